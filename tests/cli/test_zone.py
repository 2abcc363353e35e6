from __future__ import annotations

import json

from tests.cli.shell import Shell


def test_a_front_end_that_stands_alone_is_a_zone(cloud: Shell) -> None:
    header, row = cloud.ok("onezone list").splitlines()
    endpoint = json.loads(cloud.ok("one status --json"))["endpoint"]

    assert header.split() == ["ID", "NAME", "ENDPOINT", "STAT"]
    assert row.split() == ["0", "OpenNebula", endpoint, "ENABLED"]


def test_a_zone_is_shown(cloud: Shell) -> None:
    text = cloud.ok("onezone show OpenNebula")

    assert text.startswith("ZONE 0 INFORMATION\n")
    assert 'ENDPOINT="http://' in text
    assert cloud.document("onezone show 0")["ZONE"]["NAME"] == "OpenNebula"
