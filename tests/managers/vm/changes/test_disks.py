from __future__ import annotations

from pathlib import Path

import pytest

from opennebula_core.errors import ActionError, AuthorizationError, InternalError, RequestError
from opennebula_core.model.states import ImageState, LcmState, VmState
from opennebula_core.testing.cloud import running_cloud

from ...estate import Estate, running_estate

pytestmark = pytest.mark.asyncio(loop_scope="module")

L, V = LcmState, VmState
FAILURE, SUCCESS, DELETE, RECREATE = 0, 1, 3, 4
VOLATILE = "DISK=[TYPE=fs,SIZE=8]"


def disk_ids(estate: Estate, vm_id: int) -> list[str]:
    return [each["DISK_ID"] for each in estate.cloud.vm(vm_id).template.vectors("DISK")]


def guest(estate: Estate, vm_id: int) -> str:
    return (estate.cloud.location / f"var/dummy/hosts/h1/one-{vm_id}.json").read_text()


def disk_usage(estate: Estate) -> int:
    return estate.usage(estate.here)[3]


def script(estate: Estate, vm_id: int, name: str) -> list[str]:
    return (estate.cloud.location / f"var/vms/{vm_id}/{name}").read_text().splitlines()


async def test_a_disk_is_plugged_into_a_running_vm_and_out_again(estate: Estate) -> None:
    image_id = await estate.cloud.add_image("more")
    vm_id = await estate.run()
    before = disk_usage(estate)
    await estate.cloud.call("one.vm.attach", vm_id, f"DISK=[IMAGE_ID={image_id}]")
    assert estate.place(vm_id) == (V.ACTIVE, L.HOTPLUG)
    assert disk_usage(estate) == before + estate.cloud.image(image_id).size_mb
    await estate.cloud.settle(vm_id, L.RUNNING)
    added = estate.cloud.vm(vm_id).template.vectors("DISK")[1]
    assert (added["DISK_ID"], added["TARGET"]) == ("2", "vdb")  # 1 is the context
    assert "ATTACH" not in added
    assert estate.cloud.image(image_id).state is ImageState.USED
    assert '"disks": ["0", "2"]' in guest(estate, vm_id)

    await estate.cloud.call("one.vm.detach", vm_id, 2)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert disk_ids(estate, vm_id) == ["0"]
    assert disk_usage(estate) == before
    assert estate.cloud.image(image_id).state is ImageState.READY
    assert '"disks": ["0"]' in guest(estate, vm_id)


async def test_the_disk_of_a_vm_that_is_off_is_made_on_its_host(estate: Estate) -> None:
    image_id = await estate.cloud.add_image("kept")
    await estate.cloud.call("one.image.persistent", image_id, True)
    vm_id = await estate.run()
    await estate.cloud.act("poweroff", vm_id)
    await estate.cloud.settle(vm_id, V.POWEROFF)
    await estate.cloud.call("one.vm.attach", vm_id, f"DISK=[IMAGE_ID={image_id}]")
    assert estate.place(vm_id) == (V.ACTIVE, L.HOTPLUG_PROLOG_POWEROFF)
    await estate.cloud.settle(vm_id, V.POWEROFF)
    source = estate.cloud.image(image_id).source
    assert script(estate, vm_id, "transfer.0.attach")[-1].startswith("LN dummy ")
    assert estate.cloud.image(image_id).state is ImageState.USED_PERS

    await estate.cloud.call("one.vm.detach", vm_id, 2)
    assert estate.place(vm_id) == (V.ACTIVE, L.HOTPLUG_EPILOG_POWEROFF)
    await estate.cloud.settle(vm_id, V.POWEROFF)
    written, removed = script(estate, vm_id, "transfer.0.detach")[-2:]
    assert removed.startswith(f"DELETE dummy h1:/var/lib/one/datastores/0/{vm_id}/disk.2 ")
    assert written.startswith("MVDS dummy h1:")
    assert source in written
    assert estate.cloud.image(image_id).state is ImageState.READY


async def test_one_image_may_be_plugged_in_twice(estate: Estate) -> None:
    vm_id = await estate.run()
    await estate.cloud.call("one.vm.attach", vm_id, f"DISK=[IMAGE_ID={estate.image_id}]")
    await estate.cloud.settle(vm_id, L.RUNNING)
    users = estate.cloud.image(estate.image_id).running_vms
    await estate.cloud.call("one.vm.detach", vm_id, 2)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert estate.cloud.image(estate.image_id).running_vms == users


@pytest.mark.parametrize(
    ("rule", "is_off"),
    [("vmm/ATTACHDISK", False), ("tm/MKIMAGE", False), ("tm/MKIMAGE", True)],
    ids=["hypervisor", "transfer", "transfer while off"],
)
async def test_a_disk_that_cannot_be_plugged_in_leaves_nothing(
    estate: Estate, rule: str, is_off: bool
) -> None:
    vm_id = await estate.run()
    rest: LcmState | VmState = L.RUNNING
    if is_off:
        rest = V.POWEROFF
        await estate.cloud.act("poweroff", vm_id)
        await estate.cloud.settle(vm_id, rest)
    before = disk_usage(estate)
    await estate.fail(rule, "no room")
    await estate.cloud.call("one.vm.attach", vm_id, VOLATILE)
    await estate.cloud.settle(vm_id, rest)
    assert (disk_ids(estate, vm_id), disk_usage(estate)) == (["0"], before)
    assert "no room" in estate.cloud.vm(vm_id).user_template.get("ERROR")


async def test_a_disk_that_cannot_be_plugged_out_stays(estate: Estate) -> None:
    vm_id = await estate.run()
    before = disk_usage(estate)
    await estate.fail("vmm/DETACHDISK")
    await estate.cloud.call("one.vm.detach", vm_id, 0)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert (disk_ids(estate, vm_id), disk_usage(estate)) == (["0"], before)
    assert "ATTACH" not in estate.cloud.vm(vm_id).template.vectors("DISK")[0]


@pytest.mark.parametrize(
    ("operation", "end", "ids"),
    [
        (SUCCESS, L.RUNNING, ["0", "2"]),
        (FAILURE, L.RUNNING, ["0"]),
        (RECREATE, V.PENDING, ["0"]),
        (DELETE, V.DONE, ["0"]),
    ],
    ids=["success", "failure", "recreate", "delete"],
)
async def test_a_disk_whose_driver_hangs_is_recovered(
    estate: Estate, operation: int, end: LcmState | VmState, ids: list[str]
) -> None:
    image_id = await estate.cloud.add_image(f"hanging {operation}")
    vm_id = await estate.run()
    estate.cloud.behave({"vmm/ATTACHDISK": {"hang": True}})
    await estate.cloud.call("one.vm.attach", vm_id, f"DISK=[IMAGE_ID={image_id}]")
    await estate.recover(vm_id, operation)
    await estate.cloud.settle(vm_id, end)
    assert disk_ids(estate, vm_id) == ids
    assert estate.cloud.image(image_id).running_vms == (1 if operation == SUCCESS else 0)


async def test_nothing_is_taken_by_what_is_refused(estate: Estate) -> None:
    vm_id = await estate.run()
    usage = estate.usage(estate.here)
    refused: list[tuple[str, type[RequestError], str]] = [
        ("CPU=1", ActionError, "has 0 attributes DISK"),
        ("DISK=[TYPE=fs]", InternalError, "needs SIZE"),
        ("DISK=[TYPE=fs,SIZE=8,TARGET=vda]", ActionError, "vda is already in use"),
    ]
    for text, error, message in refused:
        with pytest.raises(error, match=message):
            await estate.cloud.call("one.vm.attach", vm_id, text)
    with pytest.raises(ActionError, match="Disk with ID 1 does not exist"):
        await estate.cloud.call("one.vm.detach", vm_id, 1)
    assert (disk_ids(estate, vm_id), estate.usage(estate.here)) == (["0"], usage)


async def test_the_image_of_another_user_is_refused(estate: Estate) -> None:
    await estate.cloud.call("one.user.allocate", "ann", "pw", "", [])
    vm_id = await estate.run()
    await estate.cloud.call("one.vm.chown", vm_id, 2, 1)
    with pytest.raises(AuthorizationError, match=f"USE IMAGE .{estate.image_id}"):
        await estate.cloud.call(
            "one.vm.attach", vm_id, f"DISK=[IMAGE_ID={estate.image_id}]", session="ann:pw"
        )


async def test_a_disk_whose_driver_was_asked_when_the_core_died_is_plugged_in_once(tmp_path: Path) -> None:
    async with running_estate(tmp_path) as first:
        vm_id = await first.run()
        first.cloud.behave({"vmm/ATTACHDISK": {"hang": True}})
        await first.cloud.call("one.vm.attach", vm_id, VOLATILE)
        await first.cloud.settle(vm_id, L.HOTPLUG)
    async with running_cloud(tmp_path) as again:
        again.behave()
        await again.settle(vm_id, L.RUNNING)
        disks = again.vm(vm_id).template.vectors("DISK")
        assert [disk["DISK_ID"] for disk in disks] == ["0", "2"]
        path = again.location / f"var/dummy/hosts/h1/one-{vm_id}.json"
        assert '"disks": ["0", "2"]' in path.read_text()


async def test_an_image_that_is_still_being_made_is_refused(estate: Estate) -> None:
    vm_id = await estate.run()
    estate.cloud.behave({"datastore/CP": {"hang": True}})
    text = 'NAME="slow"\nPATH=/any/image\nSIZE=1\n'
    image_id = await estate.cloud.new("one.image.allocate", text, estate.cloud.datastore_id)
    with pytest.raises(ActionError, match="still being made"):
        await estate.cloud.call("one.vm.attach", vm_id, f"DISK=[IMAGE_ID={image_id}]")
    assert estate.cloud.image(image_id).running_vms == 0


@pytest.mark.parametrize("state", [V.PENDING, V.SUSPENDED, V.UNDEPLOYED, L.UNKNOWN, L.HOTPLUG])
async def test_disks_are_changed_in_running_and_poweroff_alone(
    estate: Estate, state: LcmState | VmState
) -> None:
    vm_id = await estate.put(state)
    with pytest.raises(ActionError, match=r"disk-attach.*not available for state"):
        await estate.cloud.call("one.vm.attach", vm_id, VOLATILE)
    with pytest.raises(ActionError, match=r"disk-detach.*not available for state"):
        await estate.cloud.call("one.vm.detach", vm_id, 0)
