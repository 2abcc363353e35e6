from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from opennebula_core.config import Config, Location
from tests.cli.shell import Shell, wait_until


def test_what_is_installed_is_listed_with_what_it_can_do(cloud: Shell) -> None:
    lines = cloud.ok("one plugin list vmm scheduler").splitlines()

    assert lines[0].split() == ["KIND", "NAME", "PACKAGE", "VERSION", "API", "STATE", "USED", "BY"]
    dummy = next(line.split() for line in lines if line.split()[:2] == ["vmm", "dummy"])
    assert dummy[2:5] == ["opennebula-core", "0.1.0", "1.0"]
    assert " ".join(dummy[5:]).startswith("in use 2 hosts")
    assert any(line.split()[:2] == ["scheduler", "default"] for line in lines)


def test_the_list_is_told_to_programs(cloud: Shell) -> None:
    (dummy,) = (item for item in json.loads(cloud.ok("one plugin list im --json")) if item["name"] == "dummy")

    assert (dummy["kind"], dummy["distribution"], dummy["error"]) == ("im", "opennebula-core", "")
    assert "START_MONITOR" in dummy["actions"]


def test_one_is_shown_with_its_options(cloud: Shell) -> None:
    text = cloud.ok("one plugin show vmm dummy")

    assert "[drivers.vmm.dummy.options]" in text
    assert "failure_rate" in text


def test_one_that_is_not_installed_is_refused_with_those_that_are(cloud: Shell) -> None:
    assert "installed are dummy" in cloud.refused("one plugin show auth ldap")


def test_one_is_shown_with_who_needs_it_and_what_it_declares(cloud: Shell) -> None:
    text = cloud.ok("one plugin show im dummy")
    document = cloud.document("one plugin show vmm dummy")

    assert "plugin API 1.0" in text
    assert "Used by 2 hosts: host01, host02" in text
    assert document["used_by"]["host"] == ["host01", "host02"]
    assert document["state"] == "in use"
    assert {option["type"] for option in document["options"]} <= {"str", "int", "float", "bool"}


def test_what_is_needed_is_not_disabled_without_force(cloud: Shell) -> None:
    before = (cloud.location / "etc/oned.toml").read_text()

    said = cloud.refused("one plugin disable vmm dummy")

    assert "it is needed by 2 hosts: host01, host02" in said
    assert "[scheduler] policy" in cloud.refused("one plugin disable scheduler default")
    assert (cloud.location / "etc/oned.toml").read_text() == before


class TestWithoutACloud:
    @pytest.fixture
    def shell(self, cloud: Shell, tmp_path: Path) -> Shell:
        (tmp_path / "etc").mkdir()
        shutil.copy(cloud.location / "etc/oned.toml", tmp_path / "etc/oned.toml")
        text = (tmp_path / "etc/oned.toml").read_text()
        (tmp_path / "etc/oned.toml").write_text(text.replace("port = ", "port = 1 #", 1))
        return Shell(tmp_path)

    def test_the_list_says_that_it_does_not_know_who_needs_what(self, shell: Shell) -> None:
        result = shell.run("one plugin list vmm")

        assert result.exit_code == 0
        assert "Which objects depend on drivers is not known" in result.stderr

    def test_a_driver_is_disabled_by_force_and_enabled_again(self, shell: Shell) -> None:
        before = (shell.location / "etc/oned.toml").read_text()

        assert "start the cloud, or use --force" in shell.refused("one plugin disable vmm dummy")
        assert "vmm/dummy is disabled" in shell.ok("one plugin disable vmm dummy --force")
        assert "disabled already" in shell.ok("one plugin disable vmm dummy --force")
        assert Config.load(Location.at(shell.location)).plugins.disabled == ("vmm/dummy",)
        assert "State: disabled" in shell.ok("one plugin show vmm dummy")
        assert shell.document("one plugin enable vmm dummy") == {
            "name": "vmm/dummy",
            "disabled": False,
            "changed": True,
        }
        after = (shell.location / "etc/oned.toml").read_text()
        assert after.replace("disabled = []\n", "") == before.replace("disabled = []\n", "")

    def test_a_policy_that_is_needed_and_not_installed_is_listed_as_missing(self, shell: Shell) -> None:
        file = shell.location / "etc/oned.toml"
        file.write_text(file.read_text().replace('#policy = "default"', 'policy = "absent"', 1))

        (row,) = (item for item in shell.document("one plugin list scheduler") if item["name"] == "absent")

        assert (row["state"], row["used_by"]) == ("missing", {"setting": ["[scheduler] policy"]})
        assert "no driver 'absent'" in row["error"]

    def test_what_nobody_offers_cannot_be_switched(self, shell: Shell) -> None:
        assert "no plugins 'absent'" in shell.refused("one plugin disable plugins absent")
        assert "no vmm 'absent'" in shell.refused("one plugin enable vmm absent")


@pytest.mark.parametrize(
    ("named", "checks"),
    [("vmm dummy", ["starts"]), ("scheduler dummy", ["contract"])],
)
def test_a_plugin_is_checked_by_what_it_is(cloud: Shell, named: str, checks: list[str]) -> None:
    outcomes = cloud.document(f"one plugin check {named}")

    assert [item["check"] for item in outcomes] == ["loads", "up to date", "configuration", *checks]
    assert not any(item["problem"] for item in outcomes)


def test_a_check_of_what_nobody_offers_is_refused(cloud: Shell) -> None:
    assert "no tm 'absent'" in cloud.refused("one plugin check tm absent")


def test_a_package_is_written_and_the_next_step_told(cloud: Shell, tmp_path: Path) -> None:
    said = cloud.ok(f"one plugin new im paper --folder {tmp_path}")

    assert f"pip install -e {tmp_path}/im_paper[testing]" in said
    assert (tmp_path / "im_paper/src/opennebula_im_paper/driver.py").exists()
    assert "choose another" in cloud.refused(f"one plugin new im Paper --folder {tmp_path}")


def test_a_driver_that_is_needed_and_missing_is_listed_with_who_needs_it(cloud: Shell) -> None:
    host_id = cloud.make("onehost create lonely -i absent -v absent")
    try:
        (row,) = (item for item in cloud.document("one plugin list vmm") if item["name"] == "absent")
        text = cloud.ok("one plugin show im absent")
        wait_until(lambda: ["lonely", "err"] in cloud.rows("onehost list -l NAME,STAT"))
        found = json.loads(cloud.run("one doctor --json").stdout)["findings"]
    finally:
        cloud.ok(f"onehost delete {host_id}")

    assert (row["state"], row["used_by"]) == ("missing", {"host": ["lonely"]})
    assert "im absent is missing" in text
    assert "Used by 1 host: lonely" in text
    said = [item["text"] for item in found if item["area"] == "drivers" and item["level"] == "error"]
    assert any(line.startswith("1 host: lonely: no driver 'absent' in opennebula.vmm") for line in said)
