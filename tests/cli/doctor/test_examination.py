from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opennebula_core.cli.application import Application
from opennebula_core.cli.doctor.examination import examine
from opennebula_core.cli.lifecycle import prepare
from opennebula_core.config.location import Location
from opennebula_core.testing.ports import free_port
from tests.cli.shell import Shell, wait_until

NOBODY = 65534
STATUSES = ["ok", "warning", "error"]


def report(shell: Shell) -> tuple[int, dict[str, Any]]:
    """Return the exit status and what the doctor found."""
    result = shell.run("one doctor --json")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.stdout)


def texts(found: dict[str, Any], area: str, level: str) -> list[str]:
    return [item["text"] for item in found["findings"] if (item["area"], item["level"]) == (area, level)]


def test_a_cloud_that_runs_is_looked_at_in_all_its_parts(cloud: Shell) -> None:
    status, found = report(cloud)

    assert STATUSES[status] == found["status"]
    areas = {item["area"] for item in found["findings"]}
    assert areas >= {
        "configuration",
        "files",
        "room",
        "database",
        "programs",
        "api",
        "hosts",
        "drivers",
        "VMs",
    }
    assert len(texts(found, "programs", "ok")) == 2
    for area in ("configuration", "files", "room", "database", "programs", "api"):
        assert texts(found, area, "error") == []
    assert "answers as" in texts(found, "api", "ok")[0]
    assert "load and answer" in " ".join(texts(found, "drivers", "ok") or ["load and answer"])


def test_what_is_wrong_has_a_command_that_helps(cloud: Shell) -> None:
    _, found = report(cloud)

    assert all(bool(item["remedy"]) == (item["level"] != "ok") for item in found["findings"])


def test_the_report_for_people_has_a_line_for_each_finding(cloud: Shell) -> None:
    _, found = report(cloud)
    result = cloud.run("one doctor")

    lines = [line for line in result.stdout.splitlines() if line.split()[0] in STATUSES]
    assert abs(len(lines) - len(found["findings"])) <= 1  # what happens in between may add one
    assert result.stderr == ""


def test_a_host_in_error_is_told_with_its_reason(cloud: Shell, fresh_name: Callable[[str], str]) -> None:
    name = fresh_name("host")
    cloud.run(f"onehost create {name} -i dummy -v dumy")
    wait_until(lambda: cloud.rows(f"onehost list -f NAME={name} -l STAT") == [["err"]])

    status, found = report(cloud)

    assert status == 2
    assert any(name in text and "no driver 'dumy'" in text for text in texts(found, "hosts", "error"))
    assert any("no driver 'dumy'" in text for text in texts(found, "drivers", "error"))
    cloud.ok(f"onehost delete {name}")


def test_a_vm_that_failed_is_told_with_how_to_recover_it(
    cloud: Shell, fresh_name: Callable[[str], str], control: Callable[[str], None]
) -> None:
    control('{"vmm/DEPLOY": {"failure_rate": 1, "message": "no such machine type"}}')
    name = fresh_name("vm")
    vm_id = cloud.make(f"onevm create --name {name} --cpu 0.1 --memory 16")
    wait_until(lambda: cloud.rows(f"onevm list -f NAME={name} -l LCM_STATE") == [["BOOT_FAILURE"]])

    _, found = report(cloud)

    item = next(item for item in found["findings"] if f"VM {vm_id} ({name})" in item["text"])
    assert (item["level"], item["remedy"]) == ("error", f"onevm recover {vm_id} --retry, or --delete")
    assert "no such machine type" in item["text"]
    cloud.ok(f"onevm recover {vm_id} --delete")


def test_a_cloud_that_does_not_run_is_examined_nevertheless(tmp_path: Path) -> None:
    location = Location.at(tmp_path)
    prepare(location, free_port())

    status, found = report(Shell(tmp_path))

    assert status == 2
    assert [text.split(":")[0] for text in texts(found, "programs", "error")] == [
        "oned does not run", "onesched does not run"
    ]  # fmt: skip
    assert "connection refused" in texts(found, "api", "error")[0]
    assert "is missing" in texts(found, "database", "error")[0]
    assert texts(found, "drivers", "ok")


def test_a_place_without_a_cloud_is_said_to_be_one(tmp_path: Path) -> None:
    status, found = report(Shell(tmp_path))

    assert status == 2
    assert [item["remedy"].split(" (")[0] for item in found["findings"]] == ["one start"]


def test_a_wrong_setting_is_told_with_its_name(tmp_path: Path) -> None:
    location = Location.at(tmp_path)
    prepare(location, free_port())
    location.config_file.write_text("[api]\nport = 0\nlisen = 'x'\n")

    _, found = report(Shell(tmp_path))

    said = " ".join(texts(found, "configuration", "error"))
    assert "api.port" in said
    assert "lisen" in said


def test_of_a_cloud_elsewhere_the_api_tells(cloud: Shell) -> None:
    endpoint = json.loads(cloud.ok("one status --json"))["endpoint"]
    elsewhere = Shell(cloud.location, {"ONE_XMLRPC": endpoint})

    _, found = report(elsewhere)

    areas = {item["area"] for item in found["findings"]}
    assert {"api", "hosts", "VMs"} <= areas
    assert not areas & {"database", "programs", "files"}


def test_a_cloud_of_another_user_is_said_to_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(Location.at(tmp_path), free_port())
    monkeypatch.setenv("ONE_LOCATION", str(tmp_path))
    monkeypatch.delenv("ONE_XMLRPC", raising=False)
    me = os.geteuid()
    if me == 0:
        os.seteuid(NOBODY)
    else:
        tmp_path.chmod(0)
    try:
        found = list(examine(Application()))
    finally:
        os.seteuid(me)
        tmp_path.chmod(0o700)

    assert [(finding.area, finding.level.word) for finding in found] == [("location", "error")]
    assert found[0].remedy == "run this as the user that the cloud runs as"
