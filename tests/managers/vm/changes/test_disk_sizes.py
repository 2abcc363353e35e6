from __future__ import annotations

import pytest

from opennebula_core.errors import ActionError, AuthorizationError
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.model.template import Vector

from ...estate import Estate

pytestmark = pytest.mark.asyncio(loop_scope="module")

L, V = LcmState, VmState
FAILURE, SUCCESS, RECREATE = 0, 1, 4
GROWN = "5000"


def disk(estate: Estate, vm_id: int) -> Vector:
    return estate.cloud.vm(vm_id).template.vectors("DISK")[0]


async def resize(estate: Estate, vm_id: int, size: str = GROWN) -> None:
    await estate.cloud.call("one.vm.diskresize", vm_id, 0, size)


async def resting(estate: Estate, state: VmState, more: str = "") -> int:
    vm_id = await estate.run(more)
    await estate.cloud.act("poweroff" if state is V.POWEROFF else "undeploy", vm_id)
    await estate.cloud.settle(vm_id, state)
    return vm_id


async def test_the_disk_of_a_running_guest_grows_at_once(estate: Estate) -> None:
    vm_id = await estate.run()
    usage, before = estate.usage(estate.here)[3], int(disk(estate, vm_id)["SIZE"])
    await resize(estate, vm_id)
    assert estate.place(vm_id) == (V.ACTIVE, L.DISK_RESIZE)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert disk(estate, vm_id)["SIZE"] == GROWN
    assert "RESIZE" not in disk(estate, vm_id)
    assert estate.usage(estate.here)[3] == usage + int(GROWN) - before


@pytest.mark.parametrize(
    ("state", "lcm_state", "place"),
    [
        (V.POWEROFF, L.DISK_RESIZE_POWEROFF, " h1:"),
        (V.UNDEPLOYED, L.DISK_RESIZE_UNDEPLOYED, "var/datastores/0/"),
    ],
    ids=["off", "undeployed"],
)
async def test_a_disk_that_no_guest_uses_grows_where_it_is(
    estate: Estate, state: VmState, lcm_state: LcmState, place: str
) -> None:
    vm_id = await resting(estate, state)
    await resize(estate, vm_id)
    assert estate.place(vm_id) == (V.ACTIVE, lcm_state)
    await estate.cloud.settle(vm_id, state)
    text = (estate.cloud.location / f"var/vms/{vm_id}/transfer.0.resize").read_text()
    assert "RESIZE dummy " in text
    assert place in text
    assert f"disk.0 {GROWN} {vm_id} " in text
    records = estate.cloud.vm(vm_id).history
    assert bool(records[-1].etime) is (state is V.UNDEPLOYED)


async def test_the_image_of_a_persistent_disk_grows_with_it(estate: Estate) -> None:
    image_id = await estate.cloud.add_image("persistent")
    await estate.cloud.call("one.image.persistent", image_id, True)
    vm_id = await estate.cloud.run_vm(estate.here, f"DISK=[IMAGE_ID={image_id}]")
    before = estate.cloud.image(image_id).size_mb
    await estate.fail("vmm/RESIZEDISK", "no room")
    await resize(estate, vm_id)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert estate.cloud.image(image_id).size_mb == before

    estate.cloud.behave({})
    await resize(estate, vm_id)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert estate.cloud.image(image_id).size_mb == int(GROWN)
    assert disk(estate, vm_id)["ORIGINAL_SIZE"] == GROWN

    await estate.cloud.call("one.user.allocate", "ann", "pw", "", [])
    await estate.cloud.call("one.vm.chown", vm_id, 2, 1)
    with pytest.raises(AuthorizationError, match=f"MANAGE IMAGE .{image_id}"):
        await estate.cloud.call("one.vm.diskresize", vm_id, 0, "6000", session="ann:pw")


@pytest.mark.parametrize("is_off", [False, True])
async def test_what_cannot_be_grown_stays_as_it_was(estate: Estate, is_off: bool) -> None:
    vm_id = await (resting(estate, V.POWEROFF) if is_off else estate.run())
    usage, before = estate.usage(estate.here), dict(disk(estate, vm_id))
    await estate.fail("tm/RESIZE" if is_off else "vmm/RESIZEDISK", "no room")
    await resize(estate, vm_id)
    await estate.cloud.settle(vm_id, V.POWEROFF if is_off else L.RUNNING)
    assert (dict(disk(estate, vm_id)), estate.usage(estate.here)) == (before, usage)
    assert "no room" in estate.cloud.vm(vm_id).user_template.get("ERROR")


@pytest.mark.parametrize(
    ("operation", "end", "is_grown"),
    [(SUCCESS, L.RUNNING, True), (FAILURE, L.RUNNING, False), (RECREATE, V.PENDING, False)],
)
async def test_a_driver_that_hangs_is_recovered(
    estate: Estate, operation: int, end: LcmState | VmState, is_grown: bool
) -> None:
    vm_id = await estate.run()
    estate.cloud.behave({"vmm/RESIZEDISK": {"hang": True}})
    await resize(estate, vm_id)
    await estate.recover(vm_id, operation)
    await estate.cloud.settle(vm_id, end)
    assert (disk(estate, vm_id)["SIZE"] == GROWN) is is_grown


@pytest.mark.parametrize("size", ["", "0", "1", "x", "-5", "1e9", "9" * 30])
async def test_disks_only_grow(estate: Estate, size: str) -> None:
    vm_id = await estate.run()
    with pytest.raises(ActionError, match="can only grow"):
        await resize(estate, vm_id, size)
    with pytest.raises(ActionError, match="Disk with ID 9 does not exist"):
        await estate.cloud.call("one.vm.diskresize", vm_id, 9, "99999")


@pytest.mark.parametrize("state", [V.SUSPENDED, V.STOPPED, V.PENDING, L.UNKNOWN, L.DISK_RESIZE])
async def test_other_states_refuse_it(estate: Estate, state: LcmState | VmState) -> None:
    vm_id = await estate.put(state)
    with pytest.raises(ActionError, match=r"disk-resize.*not available for state"):
        await resize(estate, vm_id)
