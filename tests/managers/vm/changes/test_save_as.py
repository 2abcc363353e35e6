from __future__ import annotations

from pathlib import Path

import pytest

from opennebula_core.errors import ActionError, AllocateError, AuthorizationError, ParameterError
from opennebula_core.model.states import ImageState, ImageType, LcmState, VmState
from opennebula_core.model.template import Vector
from opennebula_core.testing.cloud import running_cloud

from ...estate import Estate, running_estate

pytestmark = pytest.mark.asyncio(loop_scope="module")

L, V = LcmState, VmState
FAILURE, SUCCESS, RECREATE = 0, 1, 4
WAYS: dict[VmState, tuple[str, LcmState]] = {
    V.POWEROFF: ("poweroff", L.HOTPLUG_SAVEAS_POWEROFF),
    V.SUSPENDED: ("suspend", L.HOTPLUG_SAVEAS_SUSPENDED),
    V.UNDEPLOYED: ("undeploy", L.HOTPLUG_SAVEAS_UNDEPLOYED),
    V.STOPPED: ("stop", L.HOTPLUG_SAVEAS_STOPPED),
}


async def save(estate: Estate, vm_id: int, name: str, kind: str = "", session: str = "") -> int:
    options = {"session": session} if session else {}
    return await estate.cloud.new("one.vm.disksaveas", vm_id, 0, name, kind, -1, **options)


def disk(estate: Estate, vm_id: int) -> Vector:
    return estate.cloud.vm(vm_id).template.vectors("DISK")[0]


def script(estate: Estate, vm_id: int) -> str:
    return (estate.cloud.location / f"var/vms/{vm_id}/transfer.0.saveas").read_text()


async def test_the_disk_of_a_running_vm_becomes_an_image(estate: Estate) -> None:
    vm_id = await estate.run()
    before = dict(disk(estate, vm_id))
    image_id = await save(estate, vm_id, "golden")
    assert estate.place(vm_id) == (V.ACTIVE, L.HOTPLUG_SAVEAS)
    assert estate.cloud.image(image_id).state is ImageState.LOCKED
    await estate.cloud.settle(vm_id, L.RUNNING)
    image = estate.cloud.image(image_id)
    assert (image.state, image.type, image.name) == (ImageState.READY, ImageType.OS, "golden")
    assert image.size_mb == int(before["SIZE"])
    assert dict(disk(estate, vm_id)) == before
    written = script(estate, vm_id)
    disk_path = f"h1:/var/lib/one/datastores/0/{vm_id}/disk.0"
    assert f"CPDS dummy {disk_path} {image.source} 0 {vm_id} " in written
    assert f"SNAP_DELETE dummy {disk_path} 0 {vm_id} " in written
    log = estate.cloud.vm_log(vm_id)
    steps = [log.index(f"driver operation: {step}.") for step in ("freeze", "tm_snap_create", "thaw")]
    assert steps == sorted(steps)
    assert (await estate.cloud.document("one.vm.info", vm_id)).find("SNAPSHOTS") is None
    other = await estate.cloud.run_vm(estate.here, f"DISK=[IMAGE_ID={image_id}]")
    assert disk(estate, other)["SOURCE"] == image.source


@pytest.mark.parametrize("state", WAYS, ids=lambda state: state.name.lower())
async def test_the_disk_of_a_resting_vm_is_copied_from_where_it_is(estate: Estate, state: VmState) -> None:
    action, lcm_state = WAYS[state]
    vm_id = await estate.run()
    await estate.cloud.act(action, vm_id)
    await estate.cloud.settle(vm_id, state)
    image_id = await save(estate, vm_id, f"of {state.name}", "datablock")
    assert estate.place(vm_id) == (V.ACTIVE, lcm_state)
    await estate.cloud.settle(vm_id, state)
    assert estate.cloud.image(image_id).type is ImageType.DATABLOCK
    assert (" h1:" in script(estate, vm_id)) is (state in (V.POWEROFF, V.SUSPENDED))


@pytest.mark.parametrize("rule", ["tm/CPDS", "datastore/MKFS", "vmm/DISKSNAPSHOTCREATE"])
async def test_an_image_that_cannot_be_written_is_broken_and_can_be_deleted(
    estate: Estate, rule: str
) -> None:
    vm_id = await estate.run()
    before = dict(disk(estate, vm_id))
    await estate.fail(rule, "no room")
    image_id = await save(estate, vm_id, f"broken by {rule[:3]}".replace("/", ""))
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert "no room" in estate.cloud.vm(vm_id).user_template.get("ERROR")
    assert estate.cloud.image(image_id).state is ImageState.ERROR
    assert dict(disk(estate, vm_id)) == before
    estate.cloud.behave()
    await estate.cloud.call("one.image.delete", image_id)
    await estate.cloud.until(
        lambda: not estate.cloud.daemon.store.read(lambda tx: tx.images.exists(image_id)), "its end"
    )


@pytest.mark.parametrize(
    ("operation", "end", "state"),
    [
        (SUCCESS, L.RUNNING, ImageState.READY),
        (FAILURE, L.RUNNING, ImageState.ERROR),
        (RECREATE, V.PENDING, ImageState.ERROR),
    ],
    ids=["success", "failure", "recreate"],
)
async def test_a_driver_that_hangs_is_recovered(
    estate: Estate, operation: int, end: LcmState | VmState, state: ImageState
) -> None:
    vm_id = await estate.run()
    estate.cloud.behave({"tm/CPDS": {"hang": True}})
    image_id = await save(estate, vm_id, f"hanging {operation}")
    await estate.cloud.until(lambda: bool(estate.cloud.image(image_id).source), "the image's file")
    await estate.cloud.call("one.image.update", image_id, "SAVED_VM_ID=77", 0)
    with pytest.raises(ActionError, match=f"A disk of VM {vm_id} is being saved to it"):
        await estate.cloud.call("one.image.delete", image_id, True)
    await estate.cloud.until(lambda: "CPDS" in _written(estate, vm_id), "the script")
    await estate.recover(vm_id, operation)
    await estate.cloud.settle(vm_id, end)
    assert estate.cloud.image(image_id).state is state
    assert "SAVE_AS" not in disk(estate, vm_id)


def _written(estate: Estate, vm_id: int) -> str:
    path = estate.cloud.location / f"var/vms/{vm_id}/transfer.0.saveas"
    return path.read_text() if path.exists() else ""


@pytest.mark.parametrize("rule", ["tm/CPDS", "datastore/MKFS"])
async def test_a_copy_under_way_when_the_core_dies_is_made(tmp_path: Path, rule: str) -> None:
    async with running_estate(tmp_path) as first:
        vm_id = await first.run()
        first.cloud.behave({rule: {"hang": True}})
        image_id = await save(first, vm_id, "late")
    async with running_cloud(tmp_path) as again:
        again.behave()
        await again.settle(vm_id, L.RUNNING)
        assert again.image(image_id).state is ImageState.READY


async def test_what_cannot_be_saved_is_refused(estate: Estate) -> None:
    vm_id = await estate.cloud.run_vm(
        estate.here, f"DISK=[TYPE=fs,SIZE=1]\nDISK=[IMAGE_ID={estate.image_id}]"
    )
    call = estate.cloud.call
    with pytest.raises(ActionError, match="comes from no image"):
        await call("one.vm.disksaveas", vm_id, 0, "x")
    with pytest.raises(ActionError, match="Disk with ID 9 does not exist"):
        await call("one.vm.disksaveas", vm_id, 9, "x")
    with pytest.raises(ActionError, match="has no snapshot 3"):
        await call("one.vm.disksaveas", vm_id, 1, "x", "", 3)
    with pytest.raises(ParameterError, match="Unknown image type"):
        await call("one.vm.disksaveas", vm_id, 1, "x", "FLOPPY")
    with pytest.raises(ActionError, match="cannot be saved as a KERNEL"):
        await call("one.vm.disksaveas", vm_id, 1, "x", "KERNEL")
    with pytest.raises(AllocateError, match="already taken"):
        await call("one.vm.disksaveas", vm_id, 1, "base")
    assert estate.place(vm_id) == (V.ACTIVE, L.RUNNING)


async def test_a_user_needs_the_datastore(estate: Estate) -> None:
    await estate.cloud.call("one.user.allocate", "eve", "pw", "", [])
    user_id = estate.cloud.daemon.store.read(lambda tx: tx.users.find_by_name("eve"))
    assert user_id is not None
    vm_id = await estate.run()
    await estate.cloud.call("one.vm.chown", vm_id, user_id.id, 1)
    group_id = await estate.cloud.new("one.group.allocate", "poor")
    await estate.cloud.call("one.user.chgrp", user_id.id, group_id)
    with pytest.raises(AuthorizationError):
        await save(estate, vm_id, "mine", session="eve:pw")


@pytest.mark.parametrize("state", [V.PENDING, V.DONE, L.UNKNOWN, L.HOTPLUG_SAVEAS])
async def test_other_states_refuse_it(estate: Estate, state: LcmState | VmState) -> None:
    vm_id = await estate.put(state)
    with pytest.raises(ActionError, match=r"disk-saveas.*not available for state"):
        await save(estate, vm_id, "x")
