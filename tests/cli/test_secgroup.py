from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import fromstring

import pytest

from opennebula_core.cli.secgroup import _situation
from tests.cli.shell import Shell


@pytest.fixture
def group(cloud: Shell, fresh_name: Callable[[str], str]) -> str:
    """The name of a security group with two rules."""
    name = fresh_name("web")
    cloud.make(
        f"onesecgroup create --name {name} --rule PROTOCOL=TCP:RULE_TYPE=inbound:RANGE=80,443 "
        "--rule PROTOCOL=ICMP:RULE_TYPE=inbound:ICMP_TYPE=8:IP=10.0.0.1:SIZE=16"
    )
    return name


def test_security_groups_are_listed_in_the_originals_columns(cloud: Shell, group: str) -> None:
    header, row = cloud.ok(f"onesecgroup list -f NAME={group}").splitlines()

    assert header.split() == ["ID", "USER", "GROUP", "NAME", "UPDATED", "OUTDATED", "ERROR"]
    assert row.split()[3] == group
    assert cloud.rows(f"onesecgroup list -f NAME={group} -l RULES") == [["2"]]


def test_rules_are_shown_in_a_table(cloud: Shell, group: str) -> None:
    lines = cloud.ok(f"onesecgroup show {group}").partition("RULES\n")[2].splitlines()

    assert lines[0].split() == ["TYPE", "PROTOCOL", "ICMP_TYPE", "NETWORK", "RANGE"]
    assert lines[1].split() == ["inbound", "TCP", "Any", "80,443"]
    assert lines[2].split() == ["inbound", "ICMP", "8", "10.0.0.1", "+", "16", "All"]


def test_a_security_group_is_made_from_a_template(cloud: Shell, fresh_name: Callable[[str], str]) -> None:
    name = fresh_name("file")
    text = f'NAME = {name}\nRULE = [ PROTOCOL = ALL, RULE_TYPE = outbound ]\nDESCRIPTION = "all out"\n'
    cloud.make("onesecgroup create", "-", stdin=text)

    document = cloud.document(f"onesecgroup show {name}")["SECURITY_GROUP"]
    assert document["TEMPLATE"]["RULE"] == [{"PROTOCOL": "ALL", "RULE_TYPE": "outbound"}]


def test_a_security_group_is_copied_changed_shared_and_removed(cloud: Shell, group: str) -> None:
    copy = f"{group}-copy"
    cloud.make(f"onesecgroup clone {group} {copy}")
    cloud.ok(f"onesecgroup update {copy} --append", "-", stdin='DESCRIPTION = "of the copy"\n')
    cloud.ok(f"onesecgroup chmod {copy} 644")
    cloud.ok(f"onesecgroup rename {copy} {copy}-2")
    cloud.ok(f"onesecgroup commit {copy}-2 --recovery")

    text = cloud.ok(f"onesecgroup show {copy}-2")
    assert 'DESCRIPTION="of the copy"' in text
    assert "OTHER               : u--" in text
    cloud.ok(f"onesecgroup delete {copy}-2,{group}")


def test_a_commit_is_waited_for_until_all_vms_have_the_rules(cloud: Shell, group: str) -> None:
    said = cloud.run(f"onesecgroup commit {group} --wait")

    assert said.exit_code == 0
    assert "all of 0 VMs have the rules" in said.stderr


@pytest.mark.parametrize(
    ("lists", "state", "problem"),
    [
        ("<UPDATED_VMS><ID>1</ID></UPDATED_VMS>", "all of 1 VMs have the rules", ""),
        (
            "<UPDATED_VMS><ID>1</ID></UPDATED_VMS><UPDATING_VMS><ID>2</ID></UPDATING_VMS>",
            "1 of 2 VMs have the rules",
            "",
        ),
        ("<ERROR_VMS><ID>3</ID><ID>4</ID></ERROR_VMS>", "2 VMs do not have the rules", "3,4; see onevm log"),
    ],
)
def test_a_commit_that_goes_on_says_how_far_it_is(lists: str, state: str, problem: str) -> None:
    found = _situation(fromstring(f"<SECURITY_GROUP>{lists}</SECURITY_GROUP>"))
    assert found.state == state
    assert found.problem.startswith(problem)


def test_a_rule_that_is_none_is_wrong_usage(cloud: Shell) -> None:
    assert "is no attribute" in cloud.misused("onesecgroup create --name x --rule TCP")
