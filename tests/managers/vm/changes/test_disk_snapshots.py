from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from opennebula_core.contracts.vmm import GuestState
from opennebula_core.dummy.guests import GuestFiles
from opennebula_core.errors import ActionError
from opennebula_core.model.marks import SNAPPED, SNAPPED_ID
from opennebula_core.model.states import ImageState, LcmState, VmState
from opennebula_core.testing.cloud import running_cloud

from ...estate import Estate, running_estate

pytestmark = pytest.mark.asyncio(loop_scope="module")

L, V = LcmState, VmState
FAILURE, SUCCESS, RECREATE = 0, 1, 4


async def off(estate: Estate, more: str = "") -> int:
    vm_id = await estate.run(more)
    await estate.cloud.act("poweroff", vm_id)
    await estate.cloud.settle(vm_id, V.POWEROFF)
    return vm_id


async def snap(estate: Estate, vm_id: int, name: str = "") -> int:
    snapshot_id = await estate.cloud.new("one.vm.disksnapshotcreate", vm_id, 0, name)
    await estate.cloud.settle(vm_id, V.POWEROFF, V.SUSPENDED)
    return snapshot_id


async def change(estate: Estate, what: str, vm_id: int, snapshot_id: int) -> None:
    await estate.cloud.call(f"one.vm.disksnapshot{what}", vm_id, 0, snapshot_id)
    await estate.cloud.settle(vm_id, V.POWEROFF, V.SUSPENDED, L.RUNNING)


async def shown(estate: Estate, vm_id: int) -> Element | None:
    return (await estate.cloud.document("one.vm.info", vm_id)).find("SNAPSHOTS")


async def tree(estate: Estate, vm_id: int) -> list[tuple[str, str, str, str]]:
    """Return id, parent, children and whether it is active of each snapshot."""
    element = await shown(estate, vm_id)
    assert element is not None
    names = ("ID", "PARENT", "CHILDREN", "ACTIVE")
    return [
        (*(each.findtext(name, "") for name in names),)  # type: ignore[misc]  # four of them
        for each in element.iterfind("SNAPSHOT")
    ]


def script(estate: Estate, vm_id: int, what: str) -> str:
    return (estate.cloud.location / f"var/vms/{vm_id}/transfer.0.snap_{what}").read_text()


async def test_snapshots_form_a_tree_that_one_goes_back_in(estate: Estate) -> None:
    vm_id = await off(estate)
    assert await shown(estate, vm_id) is None
    assert await estate.cloud.new("one.vm.disksnapshotcreate", vm_id, 0, "first") == 0
    assert estate.place(vm_id) == (V.ACTIVE, L.DISK_SNAPSHOT_POWEROFF)
    await estate.cloud.settle(vm_id, V.POWEROFF)
    assert f"SNAP_CREATE dummy h1:/var/lib/one/datastores/0/{vm_id}/disk.0 0 {vm_id} " in script(
        estate, vm_id, "create"
    )
    assert await snap(estate, vm_id) == 1
    assert await tree(estate, vm_id) == [("0", "-1", "1", ""), ("1", "0", "", "YES")]

    await change(estate, "revert", vm_id, 0)
    assert "SNAP_REVERT dummy" in script(estate, vm_id, "revert")
    assert await snap(estate, vm_id) == 2
    assert await tree(estate, vm_id) == [("0", "-1", "1,2", ""), ("1", "0", "", ""), ("2", "0", "", "YES")]
    await change(estate, "delete", vm_id, 1)
    assert "SNAP_DELETE dummy" in script(estate, vm_id, "delete")
    assert await tree(estate, vm_id) == [("0", "-1", "2", ""), ("2", "0", "", "YES")]

    element = await shown(estate, vm_id)
    assert element is not None
    assert (element.findtext("CURRENT_BASE"), element.findtext("NEXT_SNAPSHOT")) == ("2", "3")
    assert element.findtext("SNAPSHOT/NAME") == "first"
    disk = estate.cloud.vm(vm_id).template.vectors("DISK")[0]
    assert disk["DISK_SNAPSHOT_TOTAL_SIZE"] == str(2 * int(disk["SIZE"]))
    document = await estate.cloud.document("one.vm.info", vm_id)
    assert document.find("TEMPLATE/DISK_SNAPSHOT") is None
    assert "DISK_SNAPSHOT_ACTIVE" not in disk


async def test_a_sleeping_vm_can_have_snapshots_made_and_a_running_one_removed(estate: Estate) -> None:
    vm_id = await estate.run()
    await estate.cloud.act("suspend", vm_id)
    await estate.cloud.settle(vm_id, V.SUSPENDED)
    await snap(estate, vm_id)
    await snap(estate, vm_id)
    with pytest.raises(ActionError, match="not available for state SUSPENDED"):
        await estate.cloud.call("one.vm.disksnapshotrevert", vm_id, 0, 0)
    await estate.cloud.act("resume", vm_id)
    await estate.cloud.settle(vm_id, L.RUNNING)
    with pytest.raises(ActionError, match="is active and cannot be deleted"):
        await estate.cloud.call("one.vm.disksnapshotdelete", vm_id, 0, 1)
    with pytest.raises(ActionError, match="has children"):
        await estate.cloud.call("one.vm.disksnapshotdelete", vm_id, 0, 0)


async def test_a_snapshot_is_renamed_at_once(estate: Estate) -> None:
    vm_id = await off(estate)
    await snap(estate, vm_id)
    await estate.cloud.call("one.vm.disksnapshotrename", vm_id, 0, 0, "<b>& co")
    element = await shown(estate, vm_id)
    assert element is not None
    assert element.findtext("SNAPSHOT/NAME") == "<b>& co"
    with pytest.raises(ActionError, match="cannot be empty"):
        await estate.cloud.call("one.vm.disksnapshotrename", vm_id, 0, 0, " ")


@pytest.mark.parametrize("what", ["create", "revert", "delete"])
async def test_what_fails_changes_nothing(estate: Estate, what: str) -> None:
    vm_id = await off(estate)
    await snap(estate, vm_id)
    await snap(estate, vm_id)
    await change(estate, "revert", vm_id, 0)
    before = await tree(estate, vm_id)
    await estate.fail(f"tm/SNAP_{what.upper()}", "no room")
    param: object = "x" if what == "create" else 1
    await estate.cloud.call(f"one.vm.disksnapshot{what}", vm_id, 0, param)
    await estate.cloud.settle(vm_id, V.POWEROFF)
    assert await tree(estate, vm_id) == before
    assert "no room" in estate.cloud.vm(vm_id).user_template.get("ERROR")


@pytest.mark.parametrize(
    ("operation", "end", "count"),
    [(SUCCESS, V.POWEROFF, 2), (FAILURE, V.POWEROFF, 1), (RECREATE, V.PENDING, 0)],
    ids=["success", "failure", "recreate"],
)
async def test_a_driver_that_hangs_is_recovered(
    estate: Estate, operation: int, end: VmState, count: int
) -> None:
    vm_id = await off(estate)
    await snap(estate, vm_id)
    estate.cloud.behave({"tm/SNAP_CREATE": {"hang": True}})
    await estate.cloud.call("one.vm.disksnapshotcreate", vm_id, 0, "x")
    await estate.recover(vm_id, operation)
    await estate.cloud.settle(vm_id, end)
    element = await shown(estate, vm_id)
    assert (0 if element is None else len(element.findall("SNAPSHOT"))) == count
    total = estate.cloud.vm(vm_id).template.vectors("DISK")[0]["DISK_SNAPSHOT_TOTAL_SIZE"]
    assert int(total) == count * int(estate.cloud.vm(vm_id).template.vectors("DISK")[0]["SIZE"])


async def test_a_snapshot_under_way_when_the_core_dies_is_made(tmp_path: Path) -> None:
    async with running_estate(tmp_path) as first:
        vm_id = await off(first)
        first.cloud.behave({"tm/SNAP_CREATE": {"hang": True}})
        await first.cloud.call("one.vm.disksnapshotcreate", vm_id, 0, "late")
    async with running_cloud(tmp_path) as again:
        again.behave()
        await again.settle(vm_id, V.POWEROFF)
        document = await again.document("one.vm.info", vm_id)
        assert document.findtext("SNAPSHOTS/SNAPSHOT/NAME") == "late"


async def test_a_disk_with_snapshots_is_not_grown(estate: Estate) -> None:
    vm_id = await off(estate)
    await snap(estate, vm_id)
    with pytest.raises(ActionError, match="has snapshots and cannot grow"):
        await estate.cloud.call("one.vm.diskresize", vm_id, 0, "99999")


async def test_a_snapshot_is_saved_as_an_image(estate: Estate) -> None:
    vm_id = await off(estate)
    await snap(estate, vm_id)
    image_id = await estate.cloud.new("one.vm.disksaveas", vm_id, 0, "of the snapshot", "", 0)
    await estate.cloud.settle(vm_id, V.POWEROFF)
    assert estate.cloud.image(image_id).state is ImageState.READY
    written = (estate.cloud.location / f"var/vms/{vm_id}/transfer.0.saveas").read_text()
    assert f" {estate.cloud.image(image_id).source} 0 {vm_id} " in written


async def test_a_disk_of_a_running_guest_is_snapped_while_that_holds_still(estate: Estate) -> None:
    vm_id = await estate.run()
    assert await estate.cloud.new("one.vm.disksnapshotcreate", vm_id, 0, "live") == 0
    assert estate.place(vm_id) == (V.ACTIVE, L.DISK_SNAPSHOT)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert await tree(estate, vm_id) == [("0", "-1", "", "YES")]
    log = estate.cloud.vm_log(vm_id)
    steps = [log.index(f"driver operation: {step}.") for step in ("freeze", "tm_snap_create", "thaw")]
    assert steps == sorted(steps)
    assert not set(estate.cloud.vm(vm_id).template.vectors("DISK")[0]) & {SNAPPED, SNAPPED_ID}


@pytest.mark.parametrize("rule", ["vmm/DISKSNAPSHOTCREATE", "tm/SNAP_CREATE"])
async def test_a_guest_whose_disk_cannot_be_snapped_goes_on_as_before(estate: Estate, rule: str) -> None:
    vm_id = await estate.run()
    await estate.fail(rule, "no room")
    await estate.cloud.call("one.vm.disksnapshotcreate", vm_id, 0, "live")
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert "no room" in estate.cloud.vm(vm_id).user_template.get("ERROR")
    assert await tree(estate, vm_id) == []
    guests = GuestFiles(estate.cloud.location)
    assert (found := guests.read("h1", f"one-{vm_id}")) is not None
    assert found.state is GuestState.RUNNING


async def test_a_guest_that_hangs_held_still_goes_on_when_the_snapshot_is_given_up(estate: Estate) -> None:
    vm_id = await estate.run()
    estate.cloud.behave({"tm/SNAP_CREATE": {"hang": True}})
    await estate.cloud.call("one.vm.disksnapshotcreate", vm_id, 0, "live")
    guests = GuestFiles(estate.cloud.location)

    def state() -> GuestState | None:
        found = guests.read("h1", f"one-{vm_id}")
        return None if found is None else found.state

    await estate.cloud.until(lambda: state() is GuestState.SUSPENDED, "the guest held still")
    await estate.recover(vm_id, FAILURE)
    await estate.cloud.until(lambda: state() is GuestState.RUNNING, "the guest going on")
    assert estate.place(vm_id) == (V.ACTIVE, L.RUNNING)


async def test_a_disk_that_is_detached_takes_its_snapshots_along(estate: Estate) -> None:
    vm_id = await off(estate)
    await snap(estate, vm_id)
    await estate.cloud.call("one.vm.detach", vm_id, 0)
    await estate.cloud.settle(vm_id, V.POWEROFF)
    await estate.cloud.call("one.vm.attach", vm_id, f"DISK=[IMAGE_ID={estate.image_id}]")
    await estate.cloud.settle(vm_id, V.POWEROFF)
    assert await shown(estate, vm_id) is None


async def test_what_is_not_there_is_named(estate: Estate) -> None:
    vm_id = await off(estate)
    for what in ("revert", "delete"):
        with pytest.raises(ActionError, match="Snapshot 3 of disk 0 does not exist"):
            await estate.cloud.call(f"one.vm.disksnapshot{what}", vm_id, 0, 3)
    with pytest.raises(ActionError, match="Disk with ID 9 does not exist"):
        await estate.cloud.call("one.vm.disksnapshotcreate", vm_id, 9, "x")


@pytest.mark.parametrize("state", [V.PENDING, V.STOPPED, L.UNKNOWN, L.DISK_SNAPSHOT_POWEROFF])
async def test_other_states_refuse_it(estate: Estate, state: LcmState | VmState) -> None:
    vm_id = await estate.put(state)
    for what, params in (("create", ("x",)), ("revert", (0,)), ("delete", (0,)), ("rename", (0, "x"))):
        with pytest.raises(ActionError, match=rf"disk-snapshot-{what}.*not available for state"):
            await estate.cloud.call(f"one.vm.disksnapshot{what}", vm_id, 0, *params)
