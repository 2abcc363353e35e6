from __future__ import annotations

import pytest

from opennebula_core.errors import ActionError, AuthorizationError, InternalError
from opennebula_core.managers.access.rules import add_rule
from opennebula_core.model.acl import parse_rule, render_rule
from opennebula_core.testing.cloud import Cloud

ALICE, BOB = "alice:pw", "bob:pw"


def _rules(cloud: Cloud) -> list[str]:
    return [render_rule(rule) for rule in cloud.daemon.store.read(lambda tx: tx.acl_rules())]


async def _group_of_two(cloud: Cloud) -> tuple[int, int, int]:
    group_id = await cloud.new("one.group.allocate", "dev")
    alice = await cloud.new("one.user.allocate", "alice", "pw", "", [group_id])
    bob = await cloud.new("one.user.allocate", "bob", "pw", "", [group_id])
    return group_id, alice, bob


async def test_a_new_group_may_use_the_clouds_resources_and_leaves_no_rule(front_end: Cloud) -> None:
    before = _rules(front_end)
    group_id = await front_end.new("one.group.allocate", "dev")
    assert group_id == 100
    added = ["@100 HOST/* MANAGE #0", "@100 NET/* USE #0", "@100 DATASTORE/* USE #0"]
    assert _rules(front_end) == [*before, *added]
    await front_end.call("one.group.delete", group_id)
    assert _rules(front_end) == before


async def test_a_renamed_group_is_seen_on_all_that_it_has(front_end: Cloud) -> None:
    group_id, *_ = await _group_of_two(front_end)
    add = "@100 VM+IMAGE+TEMPLATE/* CREATE #0"
    await front_end.daemon.store.write(lambda tx: add_rule(tx, parse_rule(add)))
    vm_id = await front_end.add_vm(session=ALICE)
    template = await front_end.new("one.template.allocate", "NAME=t\nCPU=1\nMEMORY=64\n", session=ALICE)
    await front_end.call("one.group.rename", group_id, "ops")
    for kind, object_id in (("vm", vm_id), ("template", template), ("user", -1)):
        shown = await front_end.document(f"one.{kind}.info", object_id, session=ALICE)
        assert shown.findtext("GNAME") == "ops", kind
    pool = await front_end.document("one.vmpool.info", -2, -1, -1, -2)
    assert pool.findtext("VM/GNAME") == "ops"
    later = await front_end.add_vm(session=ALICE)
    assert front_end.vm(later).gname == "ops"


async def test_an_admin_makes_users_of_his_group_and_of_no_other(front_end: Cloud) -> None:
    group_id, alice, _ = await _group_of_two(front_end)
    with pytest.raises(AuthorizationError, match="CREATE USER"):
        await front_end.call("one.user.allocate", "carol", "pw", "", [group_id], session=ALICE)
    await front_end.call("one.group.addadmin", group_id, alice)
    await front_end.call("one.user.allocate", "carol", "pw", "", [group_id], session=ALICE)
    for groups in ([], [1], [0], [group_id, 1]):
        with pytest.raises(AuthorizationError):
            await front_end.call("one.user.allocate", "dave", "pw", "", groups, session=ALICE)


async def test_one_who_is_an_admin_of_two_groups_keeps_what_he_needs_in_the_other(front_end: Cloud) -> None:
    group_id, alice, _ = await _group_of_two(front_end)
    other = await front_end.new("one.group.allocate", "other")
    await front_end.call("one.user.addgroup", alice, other)
    await front_end.call("one.group.addadmin", group_id, alice)
    before = _rules(front_end)
    await front_end.call("one.group.addadmin", other, alice)
    await front_end.call("one.group.deladmin", other, alice)
    assert _rules(front_end) == before


async def test_what_groups_are_named(front_end: Cloud) -> None:
    with pytest.raises(InternalError, match="contains a blank"):
        await front_end.call("one.group.allocate", "a b")
    group_id, *_ = await _group_of_two(front_end)
    with pytest.raises(InternalError, match=r"NAME is already taken by GROUP 100\."):
        await front_end.call("one.group.allocate", "dev")
    with pytest.raises(ActionError, match="contains a blank"):
        await front_end.call("one.group.rename", group_id, "a b")
    await front_end.call("one.group.rename", group_id, "ops")
    shown = await front_end.document("one.user.info", -1, session=ALICE)
    assert shown.findtext("GNAME") == "ops"


async def test_groups_with_members_and_the_first_groups_stay(front_end: Cloud) -> None:
    group_id, *_ = await _group_of_two(front_end)
    with pytest.raises(ActionError, match=r"Cannot delete group\. Group 100 is not empty\."):
        await front_end.call("one.group.delete", group_id)
    with pytest.raises(ActionError, match="System group 1 cannot be deleted"):
        await front_end.call("one.group.delete", 1)


async def test_an_admin_manages_the_members_of_his_group_and_their_objects(front_end: Cloud) -> None:
    group_id, alice, bob = await _group_of_two(front_end)
    stranger = await front_end.new("one.user.allocate", "eve", "pw", "", [])
    template = await front_end.new("one.template.allocate", "NAME=t\nCPU=1\nMEMORY=64\n")
    await front_end.call("one.template.chown", template, bob, group_id)
    with pytest.raises(AuthorizationError, match=r"USE TEMPLATE \[0\]"):
        await front_end.call("one.template.info", template, session=ALICE)
    await front_end.call("one.group.addadmin", group_id, alice)
    await front_end.call("one.template.rename", template, "t2", session=ALICE)
    await front_end.call("one.user.info", bob, session=ALICE)
    await front_end.call("one.user.passwd", bob, "other", session=ALICE)
    with pytest.raises(AuthorizationError, match=rf"USE USER \[{stranger}\]"):
        await front_end.call("one.user.info", stranger, session=ALICE)
    await front_end.call("one.group.deladmin", group_id, alice)
    with pytest.raises(AuthorizationError):
        await front_end.call("one.template.rename", template, "t3", session=ALICE)


@pytest.mark.parametrize("how", ["delgroup", "chgrp", "delete", "deladmin"])
async def test_no_right_of_an_admin_outlives_his_office(front_end: Cloud, how: str) -> None:
    group_id, alice, _ = await _group_of_two(front_end)
    before = _rules(front_end)
    if how == "delgroup":
        await front_end.call("one.user.chgrp", alice, 1)
        await front_end.call("one.user.addgroup", alice, group_id)
    await front_end.call("one.group.addadmin", group_id, alice)
    assert len(_rules(front_end)) == len(before) + 4
    if how == "delete":
        await front_end.call("one.user.delete", alice)
    elif how == "deladmin":
        await front_end.call("one.group.deladmin", group_id, alice)
    else:
        await front_end.call(f"one.user.{how}", alice, 1 if how == "chgrp" else group_id)
    assert _rules(front_end) == before


async def test_only_members_become_admins_and_only_once(front_end: Cloud) -> None:
    group_id, alice, _ = await _group_of_two(front_end)
    stranger = await front_end.new("one.user.allocate", "eve", "pw", "", [])
    with pytest.raises(ActionError, match="is not part of Group"):
        await front_end.call("one.group.addadmin", group_id, stranger)
    with pytest.raises(ActionError, match="is not an administrator of Group"):
        await front_end.call("one.group.deladmin", group_id, alice)
    await front_end.call("one.group.addadmin", group_id, alice)
    with pytest.raises(ActionError, match="is already an administrator"):
        await front_end.call("one.group.addadmin", group_id, alice)
