"""Snapshots of persistent disks: from the VM to the image, from the image to the next VM."""

from __future__ import annotations

import pytest

from opennebula_core.db import maintenance
from opennebula_core.db.quotas import Quotas
from opennebula_core.db.transaction import Snapshot
from opennebula_core.errors import ActionError, AuthorizationError
from opennebula_core.model.disk_snapshots import Snapshots
from opennebula_core.model.quotas import Owner
from opennebula_core.model.states import ImageState, LcmState, VmState

from ..estate import Estate

pytestmark = pytest.mark.asyncio(loop_scope="module")
L, V = LcmState, VmState
DELETE, RECREATE = 3, 4


async def lasting(estate: Estate, name: str) -> int:
    image_id = await estate.cloud.add_image(name)
    await estate.cloud.call("one.image.persistent", image_id, True)
    return image_id


async def off(estate: Estate, disks: str) -> int:
    vm_id = await estate.cloud.run_vm(estate.here, disks)
    await estate.cloud.act("poweroff", vm_id)
    await estate.cloud.settle(vm_id, V.POWEROFF)
    return vm_id


async def snap(estate: Estate, vm_id: int, disk_id: int, name: str) -> int:
    snapshot_id = await estate.cloud.new("one.vm.disksnapshotcreate", vm_id, disk_id, name)
    await estate.cloud.settle(vm_id, V.POWEROFF)
    return snapshot_id


def kept(estate: Estate, image_id: int) -> list[str]:
    return [each["NAME"] for each in Snapshots(estate.cloud.image(image_id).snapshots).all()]


def datastore_mib(estate: Estate, user_id: int) -> int:
    def read(tx: Snapshot) -> int:
        quotas = Quotas(tx).by_owner(Owner.USER).get(user_id, [])
        return sum(
            quota.used[1]
            for quota in quotas
            if quota.resource.value == "DATASTORE" and quota.resource_id == estate.cloud.datastore_id
        )

    return estate.cloud.daemon.store.read(read)


def problems(estate: Estate) -> list[str]:
    return [problem.text for problem in maintenance.check(estate.cloud.location / "var" / "one.db")]


async def test_they_stay_with_the_image_and_come_to_the_next_vm(estate: Estate) -> None:
    image_id = await lasting(estate, "lasting")
    user_id = await estate.cloud.new("one.user.allocate", "carl", "a long password", "", [])
    await estate.cloud.call("one.image.chown", image_id, user_id, -1)
    vm_id = await off(estate, f"DISK=[IMAGE_ID={estate.image_id}]\nDISK=[IMAGE_ID={image_id}]")
    before = datastore_mib(estate, user_id)

    await snap(estate, vm_id, 1, "first")
    await snap(estate, vm_id, 1, "second")
    await snap(estate, vm_id, 0, "of a copy")
    size = estate.cloud.image(image_id).size_mb
    assert datastore_mib(estate, user_id) == before + 2 * size
    assert kept(estate, image_id) == []  # they lie on the host
    assert problems(estate) == []

    await estate.cloud.act("terminate", vm_id)
    await estate.cloud.settle(vm_id, V.DONE)
    assert kept(estate, image_id) == ["first", "second"]
    assert datastore_mib(estate, user_id) == before + 2 * size
    assert problems(estate) == []
    document = await estate.cloud.document("one.image.info", image_id)
    found = document.find("SNAPSHOTS")
    assert found is not None
    assert (found.findtext("CURRENT_BASE"), found.findtext("NEXT_SNAPSHOT")) == ("1", "2")
    assert found.find("DISK_ID") is None
    assert found.findtext("SNAPSHOT/CHILDREN") == "1"

    vm_id = await off(estate, f"DISK=[IMAGE_ID={image_id}]")
    shown = (await estate.cloud.document("one.vm.info", vm_id)).find("SNAPSHOTS")
    assert shown is not None
    assert [each.findtext("NAME") for each in shown.iterfind("SNAPSHOT")] == ["first", "second"]
    await estate.cloud.call("one.vm.disksnapshotrevert", vm_id, 0, 0)
    await estate.cloud.settle(vm_id, V.POWEROFF)
    await estate.cloud.call("one.vm.disksnapshotdelete", vm_id, 0, 1)
    await estate.cloud.settle(vm_id, V.POWEROFF)
    assert datastore_mib(estate, user_id) == before + size
    await estate.cloud.call("one.vm.detach", vm_id, 0)
    await estate.cloud.settle(vm_id, V.POWEROFF)
    assert kept(estate, image_id) == ["first"]
    assert estate.cloud.vm(vm_id).template.vectors("DISK_SNAPSHOT") == []
    assert problems(estate) == []


@pytest.mark.parametrize("operation", [DELETE, RECREATE], ids=["delete", "recreate"])
async def test_what_was_not_written_back_is_neither_kept_nor_counted(estate: Estate, operation: int) -> None:
    image_id = await lasting(estate, f"lost by {operation}")
    vm_id = await off(estate, f"DISK=[IMAGE_ID={image_id}]")
    await snap(estate, vm_id, 0, "kept")
    await estate.cloud.call("one.vm.detach", vm_id, 0)
    await estate.cloud.settle(vm_id, V.POWEROFF)
    vm_id = await off(estate, f"DISK=[IMAGE_ID={image_id}]")
    await snap(estate, vm_id, 0, "lost")
    assert estate.cloud.image(image_id).snapshots_mb == 2 * estate.cloud.image(image_id).size_mb
    await estate.recover(vm_id, operation)
    await estate.cloud.settle(vm_id, V.DONE if operation == DELETE else V.PENDING)
    assert kept(estate, image_id) == ["kept"]
    image = estate.cloud.image(image_id)
    assert image.snapshots_mb == image.size_mb
    assert problems(estate) == []
    if operation == RECREATE:
        vm = estate.cloud.vm(vm_id)
        assert [each["NAME"] for each in vm.template.vectors("DISK_SNAPSHOT")] == ["kept"]
        assert vm.template.vectors("DISK")[0]["DISK_SNAPSHOT_TOTAL_SIZE"] == str(image.size_mb)


async def test_a_snapshot_that_fails_is_not_counted(estate: Estate) -> None:
    image_id = await lasting(estate, "unsnapped")
    vm_id = await off(estate, f"DISK=[IMAGE_ID={image_id}]")
    await estate.fail("tm/SNAP_CREATE", "no room")
    await snap(estate, vm_id, 0, "x")
    assert estate.cloud.image(image_id).snapshots_mb == 0
    assert problems(estate) == []


async def test_who_may_not_change_the_image_and_who_has_no_room_is_refused(estate: Estate) -> None:
    image_id = await lasting(estate, "of somebody")
    owner_id = await estate.cloud.new("one.user.allocate", "owner", "a long password", "", [])
    user_id = await estate.cloud.new("one.user.allocate", "user", "a long password", "", [])
    vm_id = await off(estate, f"DISK=[IMAGE_ID={image_id}]")
    await estate.cloud.call("one.image.chown", image_id, owner_id, -1)
    await estate.cloud.call("one.vm.chown", vm_id, user_id, -1)
    with pytest.raises(AuthorizationError, match="IMAGE"):
        await estate.cloud.new("one.vm.disksnapshotcreate", vm_id, 0, "x", session="user:a long password")
    limit = f"DATASTORE=[ID={estate.cloud.datastore_id},SIZE={estate.cloud.image(image_id).size_mb}]"
    await estate.cloud.call("one.user.quota", owner_id, limit)
    with pytest.raises(AuthorizationError, match="SIZE quota in DATASTORE"):
        await estate.cloud.call("one.vm.disksnapshotcreate", vm_id, 0, "x")
    assert estate.place(vm_id) == (V.POWEROFF, L.LCM_INIT)
    assert estate.cloud.image(image_id).snapshots_mb == 0


async def test_an_image_with_snapshots_is_neither_cloned_nor_given_up(estate: Estate) -> None:
    image_id = await lasting(estate, "as it is")
    vm_id = await off(estate, f"DISK=[IMAGE_ID={image_id}]")
    await snap(estate, vm_id, 0, "x")
    await estate.cloud.act("terminate", vm_id)
    await estate.cloud.settle(vm_id, V.DONE)
    assert estate.cloud.image(image_id).state is ImageState.READY
    for method, argument, what in (
        ("clone", "copy", "cloned"),
        ("persistent", False, "made non-persistent"),
        ("chtype", "CDROM", "made a CDROM"),
    ):
        with pytest.raises(ActionError, match=f"has snapshots and cannot be {what}"):
            await estate.cloud.call(f"one.image.{method}", image_id, argument)
