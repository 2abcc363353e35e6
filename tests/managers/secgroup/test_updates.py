from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from xml.etree.ElementTree import Element

from opennebula_core.db.security_group_schema import add_vms_of_groups
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.testing.cloud import Cloud, running_cloud

WEB = "NAME=web\nRULE=[PROTOCOL=TCP,RANGE=80,RULE_TYPE=inbound]\n"
SSH = "RULE=[PROTOCOL=TCP,RANGE=22,RULE_TYPE=inbound]\n"
FAIL = {"vnm/UPDATE_SG": {"failure_rate": 1}}
HANG = {"vnm/UPDATE_SG": {"hang": True}}


def ids(document: Element, name: str) -> list[int]:
    return [int(found.text or "") for found in document.findall(f"{name}_VMS/ID")]


async def lists(cloud: Cloud, group_id: int) -> tuple[list[int], ...]:
    document = await cloud.document("one.secgroup.info", group_id)
    return tuple(ids(document, name) for name in ("UPDATED", "OUTDATED", "UPDATING", "ERROR"))


async def until_lists(cloud: Cloud, group_id: int, *wanted: list[int]) -> None:
    async def are_there() -> bool:
        return await lists(cloud, group_id) == wanted

    await cloud.until(are_there, f"lists of group {group_id}: {wanted}")


async def until_logged(cloud: Cloud, vm_id: int, text: str) -> None:
    """Wait for a line: it is written behind the commit that others see."""
    await cloud.until(lambda: text in cloud.vm_log(vm_id), f"{text!r} in the log of VM {vm_id}")


def ports(cloud: Cloud, vm_id: int) -> list[str]:
    rules = cloud.vm(vm_id).template.vectors("SECURITY_GROUP_RULE")
    return [rule.get("RANGE", "") for rule in rules if rule["SECURITY_GROUP_ID"] != "0"]


async def a_group(cloud: Cloud) -> tuple[int, str]:
    """Make a group; return its id, and a NIC that has it."""
    group_id = await cloud.new("one.secgroup.allocate", WEB)
    network_id = await cloud.add_network("net")
    return group_id, f"NIC=[NETWORK_ID={network_id},SECURITY_GROUPS={group_id}]"


async def test_an_update_reaches_guests_and_what_fails_waits_for_the_next_commit(front_end: Cloud) -> None:
    group_id, nic = await a_group(front_end)
    host_id = await front_end.add_host("h1")
    running, resting = await front_end.run_vm(host_id, nic), await front_end.add_vm(nic)
    assert await lists(front_end, group_id) == ([running, resting], [], [], [])

    front_end.behave(FAIL)
    await front_end.call("one.secgroup.update", group_id, SSH, 0)
    await until_lists(front_end, group_id, [resting], [], [], [running])
    assert ports(front_end, running) == ports(front_end, resting) == ["22"]
    await until_logged(front_end, running, f"security group {group_id} could not be updated")

    front_end.behave()
    await front_end.call("one.secgroup.update", group_id, "DESCRIPTION=same", 1)
    assert await lists(front_end, group_id) == ([resting], [], [], [running])
    await front_end.call("one.secgroup.commit", group_id, True)
    await until_lists(front_end, group_id, [running, resting], [], [], [])
    await until_logged(front_end, running, f"Rules of security group {group_id} are in force")

    await front_end.act("terminate-hard", running)
    await front_end.settle(running, VmState.DONE)
    pool = await front_end.document("one.secgrouppool.info", -2, -1, -1)
    found = {group.findtext("ID"): ids(group, "UPDATED") for group in pool}
    assert found == {"0": [resting], str(group_id): [resting]}


async def test_a_guest_that_starts_gets_new_rules_once_it_runs(front_end: Cloud) -> None:
    group_id, nic = await a_group(front_end)
    vm_id = await front_end.add_vm(nic)
    front_end.behave({"vmm/DEPLOY": {"delay_s": 1.5}})
    await front_end.call("one.vm.deploy", vm_id, await front_end.add_host("h1"))
    await front_end.settle(vm_id, LcmState.BOOT)
    await front_end.call("one.secgroup.update", group_id, SSH, 0)
    assert await lists(front_end, group_id) == ([], [vm_id], [], [])
    await until_lists(front_end, group_id, [vm_id], [], [], [])
    await until_logged(front_end, vm_id, "network driver operation: update_sg")


async def test_what_was_under_way_when_the_core_ended_is_begun_again(tmp_path: Path) -> None:
    async with running_cloud(tmp_path) as cloud:
        group_id, nic = await a_group(cloud)
        vm_id = await cloud.run_vm(await cloud.add_host("h1"), nic)
        cloud.behave(HANG)
        await cloud.call("one.secgroup.update", group_id, SSH, 0)
        await until_lists(cloud, group_id, [], [], [vm_id], [])
    async with running_cloud(tmp_path) as cloud:
        cloud.behave()
        await until_lists(cloud, group_id, [vm_id], [], [], [])


async def test_vms_of_a_database_without_lists_get_their_rules_at_the_start(tmp_path: Path) -> None:
    async with running_cloud(tmp_path) as cloud:
        group_id, nic = await a_group(cloud)
        vm_id = await cloud.run_vm(await cloud.add_host("h1"), nic)
        await cloud.add_vm()
        file = cloud.daemon.config.database_file
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("DROP TABLE security_group_vm")
        connection.execute("UPDATE vm SET template = json_remove(template, '$.SECURITY_GROUP_RULE')")
        add_vms_of_groups(connection)
    async with running_cloud(tmp_path) as cloud:
        await until_lists(cloud, group_id, [vm_id], [], [], [])
        assert ports(cloud, vm_id) == ["80"]


async def test_an_update_of_a_group_that_is_being_brought_comes_after_it(front_end: Cloud) -> None:
    group_id, nic = await a_group(front_end)
    vm_id = await front_end.run_vm(await front_end.add_host("h1"), nic)
    front_end.behave({"vnm/UPDATE_SG": {"delay_s": 0.5}})
    await front_end.call("one.secgroup.commit", group_id, False)
    await until_lists(front_end, group_id, [], [], [vm_id], [])
    await front_end.call("one.secgroup.update", group_id, SSH, 0)
    assert await lists(front_end, group_id) == ([], [vm_id], [], [])
    await until_lists(front_end, group_id, [vm_id], [], [], [])
    assert ports(front_end, vm_id) == ["22"]


async def test_a_host_that_hangs_does_not_hold_up_others(front_end: Cloud) -> None:
    group_id, nic = await a_group(front_end)
    slow, fast = await front_end.add_host("slow"), await front_end.add_host("fast")
    hung = [await front_end.run_vm(slow, nic) for _ in range(5)]
    vm_id = await front_end.run_vm(fast, nic)
    front_end.behave({"vnm/UPDATE_SG": {"hang": True, "hosts": ["slow"]}})
    await front_end.call("one.secgroup.commit", group_id, False)
    await until_lists(front_end, group_id, [vm_id], hung[4:], hung[:4], [])
