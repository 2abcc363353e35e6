from __future__ import annotations

from collections.abc import Iterable

import pytest

from opennebula_core.errors import ActionError, AuthorizationError, InternalError, NotFoundError
from opennebula_core.model.acl import render_rule
from opennebula_core.testing.cloud import Cloud

ALICE = "alice:pw"


def rules(cloud: Cloud, group_id: int) -> list[str]:
    """Return the rules of a group, without its selector."""
    start = f"@{group_id} "
    texts = [render_rule(rule) for rule in cloud.daemon.store.read(lambda tx: tx.acl_rules())]
    return sorted(text.removeprefix(start) for text in texts if text.startswith(start))


def cluster_rules(which: str) -> list[str]:
    """Return the rules on all that is in a cluster."""
    return sorted((f"HOST/{which} MANAGE #0", f"NET/{which} USE #0", f"DATASTORE/{which} USE #0"))


async def members(cloud: Cloud, vdc_id: int) -> dict[str, list[str]]:
    """Return the groups and resources that a VDC's document shows."""
    shown = await cloud.document("one.vdc.info", vdc_id)
    found = {"GROUPS": [item.text or "" for item in shown.findall("GROUPS/ID")]}
    for root, word in (
        ("CLUSTERS", "CLUSTER"),
        ("HOSTS", "HOST"),
        ("DATASTORES", "DATASTORE"),
        ("VNETS", "VNET"),
    ):
        found[root] = [item.findtext(f"{word}_ID", "") for item in shown.findall(f"{root}/{word}")]
    return {root: ids for root, ids in found.items() if ids}


async def new_group(cloud: Cloud, name: str, *, keeps: Iterable[int] = ()) -> int:
    """Make a group that is in no VDC but those named."""
    group_id = await cloud.new("one.group.allocate", name)
    if 0 not in keeps:
        await cloud.call("one.vdc.delgroup", 0, group_id)
    for vdc_id in keeps:
        if vdc_id:
            await cloud.call("one.vdc.addgroup", vdc_id, group_id)
    return group_id


async def test_a_new_cloud_has_the_default_vdc_and_new_groups_come_into_it(front_end: Cloud) -> None:
    assert await members(front_end, 0) == {"GROUPS": ["1"], "CLUSTERS": ["-10"]}
    group_id = await front_end.new("one.group.allocate", "team")
    assert await members(front_end, 0) == {"GROUPS": ["1", str(group_id)], "CLUSTERS": ["-10"]}
    assert rules(front_end, group_id) == cluster_rules("*")
    with pytest.raises(ActionError, match="System VDCs"):
        await front_end.call("one.vdc.delete", 0)
    await front_end.call("one.vdc.delcluster", 0, 0, -10)
    assert rules(front_end, group_id) == []
    host_id = await front_end.add_host("h1")
    await front_end.call("one.vdc.addhost", 0, 0, host_id)
    other = await front_end.new("one.group.allocate", "newer")
    assert rules(front_end, other) == rules(front_end, group_id) == [f"HOST/#{host_id} MANAGE #0"]


async def test_a_vdc_is_made_shown_changed_and_removed(front_end: Cloud) -> None:
    vdc_id = await front_end.new("one.vdc.allocate", "NAME=red\nCOLOUR=red\n")
    assert vdc_id == 100
    await front_end.call("one.vdc.update", vdc_id, "SHAPE=round", 1)
    await front_end.call("one.vdc.rename", vdc_id, "blue")
    shown = await front_end.document("one.vdc.info", vdc_id)
    assert (shown.tag, shown.findtext("NAME"), shown.findtext("TEMPLATE/COLOUR")) == ("VDC", "blue", "red")
    assert shown.findtext("TEMPLATE/SHAPE") == "round"
    with pytest.raises(InternalError, match="Invalid NAME, it cannot be empty"):
        await front_end.call("one.vdc.allocate", "A=b")
    with pytest.raises(InternalError, match=r"NAME is already taken by VDC 100\."):
        await front_end.call("one.vdc.allocate", "NAME=blue")
    with pytest.raises(ActionError, match=r"NAME is already taken by VDC 0\."):
        await front_end.call("one.vdc.rename", vdc_id, "default")
    await front_end.call("one.vdc.delete", vdc_id)
    with pytest.raises(NotFoundError, match=r"Error getting VDC \[100\]\."):
        await front_end.call("one.vdc.info", vdc_id)
    pool = await front_end.document("one.vdcpool.info")
    assert [item.text for item in pool.findall("VDC/ID")] == ["0"]


async def test_groups_get_the_rules_of_their_vdcs_and_keep_what_another_one_gives(front_end: Cloud) -> None:
    cluster_id = await front_end.new("one.cluster.allocate", "racks")
    host_id, network_id = await front_end.add_host("h1"), await front_end.add_network("net")
    red, blue = [await front_end.new("one.vdc.allocate", f"NAME={name}") for name in ("red", "blue")]
    group_id = await new_group(front_end, "team", keeps=[red])
    assert rules(front_end, group_id) == []
    call = front_end.call
    await call("one.vdc.addcluster", red, 0, cluster_id)
    await call("one.vdc.addhost", red, 0, host_id)
    await call("one.vdc.addvnet", red, 0, network_id)
    await call("one.vdc.adddatastore", red, 0, 1)
    one_by_one = [f"HOST/#{host_id} MANAGE #0", f"NET/#{network_id} USE #0", "DATASTORE/#1 USE #0"]
    assert rules(front_end, group_id) == sorted([*cluster_rules(f"%{cluster_id}"), *one_by_one])
    await call("one.vdc.addhost", blue, 0, host_id)
    await call("one.vdc.addgroup", blue, group_id)
    await call("one.vdc.delhost", red, 0, host_id)
    assert f"HOST/#{host_id} MANAGE #0" in rules(front_end, group_id)
    await call("one.vdc.delete", red)
    assert rules(front_end, group_id) == [f"HOST/#{host_id} MANAGE #0"]
    await call("one.vdc.delgroup", blue, group_id)
    assert rules(front_end, group_id) == []


async def test_all_takes_the_place_of_those_that_were_named(front_end: Cloud) -> None:
    first, second = await front_end.add_host("h1"), await front_end.add_host("h2")
    vdc_id = await front_end.new("one.vdc.allocate", "NAME=red")
    group_id = await new_group(front_end, "team", keeps=[vdc_id])
    for host_id in (first, second, -10):
        await front_end.call("one.vdc.addhost", vdc_id, 0, host_id)
    assert (await members(front_end, vdc_id))["HOSTS"] == ["-10"]
    assert rules(front_end, group_id) == ["HOST/* MANAGE #0"]
    await front_end.call("one.vdc.delhost", vdc_id, 0, -10)
    assert rules(front_end, group_id) == []


async def test_what_cannot_be_changed_says_why(front_end: Cloud) -> None:
    vdc_id = await front_end.new("one.vdc.allocate", "NAME=red")
    call = front_end.call
    await call("one.vdc.addgroup", vdc_id, 1)
    with pytest.raises(InternalError, match="Group 1 is already assigned to the VDC 100"):
        await call("one.vdc.addgroup", vdc_id, 1)
    with pytest.raises(InternalError, match="Group 0 is not assigned to the VDC 100"):
        await call("one.vdc.delgroup", vdc_id, 0)
    await call("one.vdc.addcluster", vdc_id, 0, 0)
    with pytest.raises(InternalError, match="CLUSTER 0 from Zone 0 is already assigned to the VDC"):
        await call("one.vdc.addcluster", vdc_id, 0, 0)
    with pytest.raises(InternalError, match="DATASTORE 1 from Zone 0 is not assigned to the VDC"):
        await call("one.vdc.deldatastore", vdc_id, 0, 1)
    for zone_id in (1, -1, 2**31 - 1):
        with pytest.raises(NotFoundError, match=rf"Error getting zone \[{zone_id}\]\."):
            await call("one.vdc.addcluster", vdc_id, zone_id, -10)
    for number in (7, -1, -11):
        with pytest.raises(NotFoundError, match="Error getting host"):
            await call("one.vdc.addhost", vdc_id, 0, number)


async def test_what_is_removed_leaves_the_vdcs_and_the_rules_about_it_go(front_end: Cloud) -> None:
    call, new = front_end.call, front_end.new
    vdc_id = await new("one.vdc.allocate", "NAME=red")
    group_id = await new_group(front_end, "team", keeps=[vdc_id])
    doomed = await new("one.group.allocate", "doomed")
    await call("one.vdc.addgroup", vdc_id, doomed)
    made = {
        "cluster": await new("one.cluster.allocate", "racks"),
        "host": await front_end.add_host("h1"),
        "vnet": await front_end.add_network("net"),
        "datastore": await new("one.datastore.allocate", "NAME=d\nDS_MAD=dummy\nTM_MAD=dummy", -1),
    }
    for word, number in made.items():
        await call(f"one.vdc.add{word}", vdc_id, 0, number)
    assert len(rules(front_end, group_id)) == 6
    for word, number in made.items():
        await call(f"one.{'vn' if word == 'vnet' else word}.delete", number)
    await call("one.group.delete", doomed)
    assert await members(front_end, vdc_id) == {"GROUPS": [str(group_id)]}
    assert await members(front_end, 0) == {"GROUPS": ["1"], "CLUSTERS": ["-10"]}
    assert (rules(front_end, group_id), rules(front_end, doomed)) == ([], [])
    events = front_end.daemon.store.read(lambda tx: tx.query("SELECT event FROM outbox WHERE kind = 'VDC'"))
    assert ("update",) in events


async def test_members_may_use_what_their_vdc_holds_and_nothing_else(front_end: Cloud) -> None:
    vdc_id = await front_end.new("one.vdc.allocate", "NAME=red")
    group_id = await new_group(front_end, "team", keeps=[vdc_id])
    await front_end.call("one.user.allocate", "alice", "pw", "", [group_id])
    mine, other = await front_end.add_network("mine"), await front_end.add_network("other")
    await front_end.call("one.vdc.addvnet", vdc_id, 0, mine)
    pool = await front_end.document("one.vnpool.info", -2, -1, -1, session=ALICE)
    assert [item.text for item in pool.findall("VNET/ID")] == [str(mine)]
    with pytest.raises(AuthorizationError, match="USE NET"):
        await front_end.call("one.vn.info", other, session=ALICE)
    assert len(await front_end.document("one.vdcpool.info", session=ALICE)) == 0
    with pytest.raises(AuthorizationError, match="USE VDC"):
        await front_end.call("one.vdc.info", vdc_id, session=ALICE)


async def test_who_may_administer_a_vdc_gives_away_only_what_he_administers(front_end: Cloud) -> None:
    vdc_id = await front_end.new("one.vdc.allocate", "NAME=red")
    user_id = await front_end.new("one.user.allocate", "alice", "pw", "", [])
    host_id = await front_end.add_host("h1")

    async def allow(kind: int, rights: int = 4) -> None:
        numbers = (0x1_0000_0000 | user_id, 0x4_0000_0000 | kind, rights)
        await front_end.call("one.acl.addrule", *(f"{number:x}" for number in numbers))

    async def add(refused: str = "") -> None:
        if refused:
            with pytest.raises(AuthorizationError, match=f"ADMIN {refused}"):
                await front_end.call("one.vdc.addhost", vdc_id, 0, host_id, session=ALICE)
        else:
            await front_end.call("one.vdc.addhost", vdc_id, 0, host_id, session=ALICE)

    await add("VDC")
    await allow(0x2_0000_0000_0000)
    await add("HOST")
    with pytest.raises(AuthorizationError, match="ADMIN GROUP"):
        await front_end.call("one.vdc.addgroup", vdc_id, 1, session=ALICE)
    await allow(0x20_0000_0000)
    await add("ZONE")
    with pytest.raises(AuthorizationError, match="ADMIN ZONE"):
        await front_end.call("one.vdc.addhost", vdc_id, 0, -10, session=ALICE)
    await allow(0x8000_0000_0000)
    await add()
