from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.shell import Shell

WIRES = "--attribute VN_MAD=dummy --attribute BRIDGE=br0"


@pytest.fixture
def template(cloud: Shell, fresh_name: Callable[[str], str]) -> str:
    """The name of a template of networks."""
    name = fresh_name("lan")
    cloud.make(f"onevntemplate create --name {name} {WIRES}")
    return name


def test_templates_are_listed_and_shown(cloud: Shell, template: str) -> None:
    header, row = cloud.ok(f"onevntemplate list -f NAME={template}").splitlines()

    assert header.split() == ["ID", "USER", "GROUP", "NAME", "REGTIME"]
    assert row.split()[1:4] == ["oneadmin", "oneadmin", template]
    shown = cloud.ok(f"onevntemplate show {template}")
    assert "REGISTER TIME" in shown
    assert 'BRIDGE="br0"' in shown
    assert "nowhere" in cloud.refused("onevntemplate show nowhere")


def test_networks_are_made_from_a_template_with_what_is_added(
    cloud: Shell, template: str, tmp_path: Path
) -> None:
    file = tmp_path / "range"
    file.write_text("AR = [ TYPE = IP4, IP = 10.3.0.2, SIZE = 4 ]\n")
    cloud.make(
        f"onevntemplate instantiate {template}",
        str(file),
        "--name",
        f"{template}-net",
        "--attribute",
        "DNS=1",
    )

    network = cloud.document(f"onevnet show {template}-net")["VNET"]
    assert (network["BRIDGE"], network["TEMPLATE"]["DNS"]) == ("br0", "1")
    assert network["TEMPLATE"]["TEMPLATE_NAME"] == template
    assert [block["IP"] for block in network["AR_POOL"]["AR"]] == ["10.3.0.2"]


def test_ranges_are_options_of_instantiate_too(cloud: Shell, template: str) -> None:
    cloud.make(f"onevntemplate instantiate {template} --name {template}-net --ip 10.4.0.2 --size 9")
    cloud.make(f"onevntemplate instantiate {template} --name {template}-mac --size 3")

    blocks = [
        cloud.document(f"onevnet show {template}-{word}")["VNET"]["AR_POOL"]["AR"] for word in ("net", "mac")
    ]
    assert [[(block["TYPE"], block["SIZE"]) for block in found] for found in blocks] == [
        [("IP4", "9")],
        [("ETHER", "3")],
    ]


def test_a_template_is_copied_changed_shared_locked_and_removed(cloud: Shell, template: str) -> None:
    copy = f"{template}-copy"
    cloud.make(f"onevntemplate clone {template} {copy}")
    cloud.ok(f"onevntemplate update {copy} --append", "-", stdin='DESCRIPTION = "of the copy"\n')
    for line in (f"chmod {copy} 644", f"chgrp {copy} users", f"chown {copy} oneadmin", f"lock {copy}"):
        cloud.ok(f"onevntemplate {line}")
    assert "locked" in cloud.refused(f"onevntemplate rename {copy} {copy}-2")
    cloud.ok(f"onevntemplate unlock {copy}")
    cloud.ok(f"onevntemplate rename {copy} {copy}-2")

    text = cloud.ok(f"onevntemplate show {copy}-2")
    assert 'DESCRIPTION="of the copy"' in text
    assert "OTHER               : u--" in text
    cloud.ok(f"onevntemplate delete {copy}-2,{template}")
