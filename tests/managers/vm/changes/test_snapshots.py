from __future__ import annotations

from pathlib import Path

import pytest

from opennebula_core.errors import ActionError
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.model.template import Vector
from opennebula_core.testing.cloud import running_cloud

from ...estate import Estate, running_estate

pytestmark = pytest.mark.asyncio(loop_scope="module")

L, V = LcmState, VmState
FAILURE, SUCCESS, RECREATE = 0, 1, 4


def snapshots(estate: Estate, vm_id: int) -> list[Vector]:
    return estate.cloud.vm(vm_id).template.vectors("SNAPSHOT")


async def with_snapshot(estate: Estate) -> int:
    vm_id = await estate.run()
    assert await estate.cloud.call("one.vm.snapshotcreate", vm_id, "first") == 0
    await estate.cloud.settle(vm_id, L.RUNNING)
    return vm_id


async def test_snapshots_are_made_reverted_to_and_removed(estate: Estate) -> None:
    vm_id = await estate.run()
    assert await estate.cloud.call("one.vm.snapshotcreate", vm_id, "before the update") == 0
    assert estate.place(vm_id) == (V.ACTIVE, L.HOTPLUG_SNAPSHOT)
    assert snapshots(estate, vm_id)[0]["ACTIVE"] == "YES"
    await estate.cloud.settle(vm_id, L.RUNNING)
    (made,) = snapshots(estate, vm_id)
    assert (made["NAME"], made["HYPERVISOR_ID"]) == ("before the update", "snap-0")
    assert made["TIME"] == str(int(estate.cloud.clock()))
    assert "ACTIVE" not in made

    assert await estate.cloud.call("one.vm.snapshotcreate", vm_id, "") == 1
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert snapshots(estate, vm_id)[1]["NAME"] == "snapshot-1"
    await estate.cloud.call("one.vm.snapshotrevert", vm_id, 0)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert len(snapshots(estate, vm_id)) == 2
    await estate.cloud.call("one.vm.snapshotdelete", vm_id, 0)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert [each["SNAPSHOT_ID"] for each in snapshots(estate, vm_id)] == ["1"]


@pytest.mark.parametrize(
    ("rule", "method", "param", "count"),
    [
        ("vmm/SNAPSHOTCREATE", "one.vm.snapshotcreate", "second", 1),
        ("vmm/SNAPSHOTREVERT", "one.vm.snapshotrevert", 0, 1),
        ("vmm/SNAPSHOTDELETE", "one.vm.snapshotdelete", 0, 1),
    ],
)
async def test_what_fails_changes_nothing(
    estate: Estate, rule: str, method: str, param: object, count: int
) -> None:
    vm_id = await with_snapshot(estate)
    await estate.fail(rule, "the disks are raw")
    await estate.cloud.call(method, vm_id, param)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert len(snapshots(estate, vm_id)) == count
    assert all("ACTIVE" not in each for each in snapshots(estate, vm_id))
    assert "the disks are raw" in estate.cloud.vm(vm_id).user_template.get("ERROR")


@pytest.mark.parametrize(
    ("operation", "end", "count"),
    [(SUCCESS, L.RUNNING, 1), (FAILURE, L.RUNNING, 0), (RECREATE, V.PENDING, 0)],
    ids=["success", "failure", "recreate"],
)
async def test_a_driver_that_hangs_is_recovered(
    estate: Estate, operation: int, end: LcmState | VmState, count: int
) -> None:
    vm_id = await estate.run()
    estate.cloud.behave({"vmm/SNAPSHOTCREATE": {"hang": True}})
    await estate.cloud.call("one.vm.snapshotcreate", vm_id, "x")
    with pytest.raises(ActionError, match="not available"):
        await estate.recover(vm_id, 2)  # it may be sent at most once
    await estate.recover(vm_id, operation)
    await estate.cloud.settle(vm_id, end)
    assert len(snapshots(estate, vm_id)) == count


async def test_a_snapshot_under_way_when_the_core_dies_is_not_made_twice(tmp_path: Path) -> None:
    async with running_estate(tmp_path) as first:
        vm_id = await first.run()
        first.cloud.behave({"vmm/SNAPSHOTCREATE": {"hang": True}})
        await first.cloud.call("one.vm.snapshotcreate", vm_id, "lost")
        await first.cloud.settle(vm_id, L.HOTPLUG_SNAPSHOT)
    async with running_cloud(tmp_path) as again:
        again.behave()
        await again.settle(vm_id, L.RUNNING)
        assert again.vm(vm_id).template.vectors("SNAPSHOT") == []
        assert "may not be sent twice" in again.vm(vm_id).user_template.get("ERROR")


@pytest.mark.parametrize("action", ["poweroff", "suspend", "undeploy", "stop"])
async def test_snapshots_end_with_their_guest(estate: Estate, action: str) -> None:
    vm_id = await with_snapshot(estate)
    await estate.cloud.act(action, vm_id)
    await estate.cloud.settle(vm_id, V.POWEROFF, V.SUSPENDED, V.UNDEPLOYED, V.STOPPED)
    assert snapshots(estate, vm_id) == []


async def test_a_vm_with_snapshots_is_not_migrated_live(estate: Estate) -> None:
    vm_id = await with_snapshot(estate)
    with pytest.raises(ActionError, match="delete them, or migrate it cold"):
        await estate.migrate(vm_id, live=True)


async def test_a_snapshot_that_is_not_there_is_named(estate: Estate) -> None:
    vm_id = await estate.run()
    for method in ("one.vm.snapshotrevert", "one.vm.snapshotdelete"):
        with pytest.raises(ActionError, match="Snapshot with ID 3 does not exist"):
            await estate.cloud.call(method, vm_id, 3)


@pytest.mark.parametrize("state", [V.POWEROFF, V.SUSPENDED, V.PENDING, L.UNKNOWN, L.HOTPLUG_SNAPSHOT])
async def test_snapshots_are_for_vms_that_run(estate: Estate, state: LcmState | VmState) -> None:
    vm_id = await estate.put(state)
    for method, param in (("create", "x"), ("revert", 0), ("delete", 0)):
        with pytest.raises(ActionError, match=rf"snapshot-{method}.*not available for state"):
            await estate.cloud.call(f"one.vm.snapshot{method}", vm_id, param)


async def test_a_vm_and_each_of_its_disks_have_so_many_snapshots_and_no_more(tmp_path: Path) -> None:
    async with running_cloud(tmp_path, settings="[vm]\nsnapshots = 1\n") as cloud:
        disk = "DISK=[TYPE=fs,FORMAT=raw,SIZE=8]"
        vm_id = await cloud.run_vm(await cloud.add_host("h1"), disk)
        await cloud.call("one.vm.snapshotcreate", vm_id, "a")
        await cloud.settle(vm_id, LcmState.RUNNING)
        with pytest.raises(ActionError, match="has 1 snapshots, which is the most"):
            await cloud.call("one.vm.snapshotcreate", vm_id, "b")
        await cloud.act("poweroff", vm_id)
        await cloud.settle(vm_id, VmState.POWEROFF)
        await cloud.call("one.vm.disksnapshotcreate", vm_id, 0, "a")
        await cloud.settle(vm_id, VmState.POWEROFF)
        with pytest.raises(ActionError, match="Disk 0 of VM 0 has 1 snapshots"):
            await cloud.call("one.vm.disksnapshotcreate", vm_id, 0, "b")
