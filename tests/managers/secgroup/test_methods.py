from __future__ import annotations

import pytest

from opennebula_core.errors import ActionError, AuthorizationError, InternalError, NotFoundError
from opennebula_core.testing.cloud import Cloud

RULES = 'NAME=web\nDESCRIPTION="to the web"\nRULE=[PROTOCOL=TCP,RANGE="80,443",RULE_TYPE=inbound]\n'
ALICE = "alice:pw"


async def test_a_security_group_is_made_shown_changed_copied_and_removed(front_end: Cloud) -> None:
    group_id = await front_end.new("one.secgroup.allocate", RULES)
    assert group_id == 100
    await front_end.call("one.secgroup.update", group_id, "DESCRIPTION=all", 1)
    await front_end.call("one.secgroup.rename", group_id, "www")
    await front_end.call("one.secgroup.chmod", group_id, -1, -1, -1, 1, -1, -1, -1, -1, -1)
    shown = await front_end.document("one.secgroup.info", group_id)
    assert shown.tag == "SECURITY_GROUP"
    assert shown.findtext("NAME") == "www"
    assert shown.findtext("PERMISSIONS/GROUP_U") == "1"
    assert shown.findtext("TEMPLATE/DESCRIPTION") == "all"
    assert shown.findtext("TEMPLATE/RULE/RANGE") == "80,443"
    assert shown.find("TEMPLATE/NAME") is None
    copy_id = await front_end.new("one.secgroup.clone", group_id, "www2")
    copy = await front_end.document("one.secgroup.info", copy_id)
    assert copy.findtext("TEMPLATE/RULE/RANGE") == "80,443"
    await front_end.call("one.secgroup.delete", group_id)
    with pytest.raises(NotFoundError, match=r"Error getting security group \[100\]\."):
        await front_end.call("one.secgroup.info", group_id)
    pool = await front_end.document("one.secgrouppool.info", -2, -1, -1)
    assert [row.text for row in pool.findall("SECURITY_GROUP/ID")] == ["101", "0"]


async def test_names_are_needed_and_taken_per_owner(front_end: Cloud) -> None:
    with pytest.raises(InternalError, match="Invalid NAME, it cannot be empty"):
        await front_end.call("one.secgroup.allocate", "DESCRIPTION=x")
    await front_end.call("one.secgroup.allocate", RULES)
    with pytest.raises(InternalError, match=r"NAME is already taken by SECGROUP 100\."):
        await front_end.call("one.secgroup.allocate", RULES)


async def test_the_default_group_stays(front_end: Cloud) -> None:
    with pytest.raises(ActionError, match="default security group"):
        await front_end.call("one.secgroup.delete", 0)


async def test_a_group_that_a_vm_has_stays(front_end: Cloud) -> None:
    group_id = await front_end.new("one.secgroup.allocate", RULES)
    network_id = await front_end.add_network("net")
    nic = f"NIC=[NETWORK_ID={network_id},SECURITY_GROUPS={group_id}]"
    vm_id = await front_end.add_vm(nic)
    with pytest.raises(ActionError, match=f"has VMs using it, such as VM {vm_id}"):
        await front_end.call("one.secgroup.delete", group_id)
    await front_end.act("terminate", vm_id)
    await front_end.call("one.secgroup.delete", group_id)


async def test_plain_users_have_groups_of_their_own(front_end: Cloud) -> None:
    user_id = await front_end.new("one.user.allocate", "alice", "pw", "", [])
    mine = await front_end.new("one.secgroup.allocate", RULES, session=ALICE)
    hidden = await front_end.new("one.secgroup.allocate", "NAME=hidden")
    pool = await front_end.document("one.secgrouppool.info", -2, -1, -1, session=ALICE)
    assert [row.text for row in pool.findall("SECURITY_GROUP/ID")] == [str(mine), "0"]
    refused = rf"User \[{user_id}\] : Not authorized to perform MANAGE SECGROUP \[{hidden}\]\."
    with pytest.raises(AuthorizationError, match=refused):
        await front_end.call("one.secgroup.delete", hidden, session=ALICE)
    await front_end.call("one.secgroup.chown", hidden, user_id, 1)
    assert (await front_end.document("one.secgroup.info", hidden)).findtext("UNAME") == "alice"


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("PROTOCOL=GRE,RULE_TYPE=inbound", "PROTOCOL 'GRE' is none of TCP, UDP"),
        ("PROTOCOL=TCP,RULE_TYPE=up", "RULE_TYPE 'UP' is neither inbound nor outbound"),
        ('PROTOCOL=TCP,RULE_TYPE=inbound,RANGE="22;drop"', "RANGE has '22;drop'"),
        ('PROTOCOL=ALL,RULE_TYPE=inbound,IP="1.2.3.4",SIZE=0', "SIZE is missing"),
        ("PROTOCOL=ALL,RULE_TYPE=inbound,NETWORK_ID=x", "NETWORK_ID 'x' is no id"),
    ],
)
async def test_a_rule_that_no_filter_can_be_made_of_is_refused(front_end: Cloud, rule: str, why: str) -> None:
    with pytest.raises(InternalError, match=rf"Wrong RULE 1 in security group: {why}"):
        await front_end.call("one.secgroup.allocate", f"NAME=x\nRULE=[{rule}]")
    with pytest.raises(InternalError, match="Wrong RULE 2"):
        await front_end.call(
            "one.secgroup.update", 0, f"RULE=[PROTOCOL=ALL,RULE_TYPE=inbound]\nRULE=[{rule}]"
        )
    with pytest.raises(InternalError, match="write RULE="):
        await front_end.call("one.secgroup.allocate", "NAME=x\nRULE=all")


async def test_rules_are_about_networks_that_their_writer_may_use_and_that_vms_can_carry(
    front_end: Cloud,
) -> None:
    await front_end.new("one.user.allocate", "alice", "pw", "", [])
    await front_end.call("one.vdc.delgroup", 0, 1)
    rule = "RULE=[PROTOCOL=ALL,RULE_TYPE=inbound,NETWORK_ID={}]\n"
    with pytest.raises(NotFoundError):
        await front_end.call("one.secgroup.allocate", "NAME=early\n" + rule.format(0))
    network_id = await front_end.add_network("net")
    hers = await front_end.new("one.secgroup.allocate", RULES, session=ALICE)
    for method, *given in (
        ("allocate", "NAME=x\n" + rule.format(network_id)),
        ("update", hers, rule.format(network_id), 0),
    ):
        with pytest.raises(AuthorizationError, match=rf"USE NET \[{network_id}\]"):
            await front_end.call(f"one.secgroup.{method}", *given, session=ALICE)
    await front_end.call("one.secgroup.update", hers, rule.format(network_id), 0)
    await front_end.call("one.secgroup.update", hers, rule.format(network_id) + RULES, 0, session=ALICE)
    ranges = "".join(f"AR=[TYPE=IP4,IP=10.9.{number}.1,SIZE=1]\n" for number in range(33))
    wide = await front_end.new("one.vn.allocate", f"NAME=wide\nVN_MAD=dummy\nBRIDGE=b\n{ranges}", -1)
    many = "".join(
        f"RULE=[PROTOCOL=TCP,RULE_TYPE=inbound,RANGE={port},NETWORK_ID={wide}]\n" for port in range(1, 33)
    )
    with pytest.raises(InternalError, match="more than 1024 rules, as one about a network counts"):
        await front_end.call("one.secgroup.allocate", f"NAME=many\n{many}")
