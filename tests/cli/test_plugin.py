from __future__ import annotations

import json

from tests.cli.shell import Shell


def test_what_is_installed_is_listed_with_what_it_can_do(cloud: Shell) -> None:
    lines = cloud.ok("one plugin list vmm scheduler").splitlines()

    assert lines[0].split() == ["KIND", "NAME", "DISTRIBUTION", "VERSION", "ACTIONS"]
    dummy = next(line.split() for line in lines if line.split()[:2] == ["vmm", "dummy"])
    assert dummy[2] == "opennebula-core"
    assert "DEPLOY" in dummy
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
