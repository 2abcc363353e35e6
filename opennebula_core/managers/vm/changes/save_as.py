"""Disks of VMs that are there are copied to new images.

The plan has the datastore make an empty image first, which says where the copy shall be, and then has the
transfer driver copy the disk there. A disk that a guest writes to is snapped first, while the guest holds
still, and the snapshot is copied. The image is LOCKED until then, and in ERROR when that fails.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from opennebula_core.contracts.method import ObjectKind, Right, Session
from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError, AllocateError, InternalError
from opennebula_core.managers.core import Core
from opennebula_core.managers.image.allocate import image_type, no_room_reason, unfit_reason
from opennebula_core.managers.image.work import SAVED_VM, SAVING_STEP, ImageWork
from opennebula_core.managers.ownership import owned_by
from opennebula_core.managers.rights import require
from opennebula_core.managers.transfer.phases import Phase
from opennebula_core.managers.vm.changes.vectors import disk_of, vector_with
from opennebula_core.managers.vm.plans import VmPlans, allow
from opennebula_core.model.disk_snapshots import DiskSnapshots
from opennebula_core.model.marks import (
    SAVE_AS,
    SAVE_AS_PASSING,
    SAVE_AS_SOURCE,
    SAVED,
    SNAPPED,
    SNAPPED_ID,
    YES,
)
from opennebula_core.model.objects import Image, Vm
from opennebula_core.model.states import ImageState, ImageType, LcmState, VmState
from opennebula_core.model.template import Template, Vector
from opennebula_core.plans.plan import Plan, Step

DISK_SAVEAS: Final = "disk-saveas"
_STATES: Final = {
    VmState.POWEROFF: LcmState.HOTPLUG_SAVEAS_POWEROFF,
    VmState.SUSPENDED: LcmState.HOTPLUG_SAVEAS_SUSPENDED,
    VmState.UNDEPLOYED: LcmState.HOTPLUG_SAVEAS_UNDEPLOYED,
    VmState.STOPPED: LcmState.HOTPLUG_SAVEAS_STOPPED,
}


class DiskSaved:
    """What becomes of the image that a disk is copied to."""

    def done(self, tx: Transaction, vm: Vm, step: Step, info: str) -> None:
        """Show it as READY once it is written; before, the disk is snapped."""
        if step.kind == "tm":
            _end(tx, vm, step, ImageState.READY)

    def undone(self, tx: Transaction, vm: Vm, step: Step) -> None:
        """Show it as broken, for its owner to delete."""
        _end(tx, vm, step, ImageState.ERROR)


def _end(tx: Transaction, vm: Vm, step: Step, state: ImageState) -> None:
    disk = vector_with(vm, "DISK", "DISK_ID", step.arguments["disk_id"])
    if disk is not None:
        for mark in (SAVED, SAVE_AS, SAVE_AS_SOURCE, SAVE_AS_PASSING, SNAPPED, SNAPPED_ID):
            disk.pop(mark, None)
    image = tx.images.find(step.arguments["image_id"])
    if image is None or image.state is not ImageState.LOCKED:
        return
    image.prev_state, image.state = image.state, state
    if state is ImageState.ERROR:
        image.template.set("ERROR", f"{time.ctime(tx.now)} : a disk of VM {vm.id} could not be saved to it")
    tx.images.save(image, f"state {state.name}")


class DiskSaves:
    """The use case, inside the caller's transaction, and the step that makes the image."""

    def __init__(self, core: Core, plans: VmPlans, work: ImageWork) -> None:
        self._core = core
        self._plans = plans
        self._work = work

    def save(
        self,
        tx: Transaction,
        session: Session,
        vm_id: int,
        disk_id: int,
        name: str,
        kind: str,
        snapshot_id: int,
    ) -> int:
        """Copy a disk to a new image of the caller's, beside the image that it came from; return its id.

        :param kind: type of the image; empty for that of the disk's image
        :param snapshot_id: the disk's snapshot that is copied, -1 for the disk as it is
        :raises RequestError: the state, the disk or the datastore does not allow it
        """
        vm = tx.vms.get(vm_id)
        allow(vm, DISK_SAVEAS, tuple(_STATES), (LcmState.RUNNING,))
        disk = disk_of(vm, disk_id)
        if snapshot_id >= 0 and DiskSnapshots(vm.template, disk).find(snapshot_id) is None:
            raise ActionError(f"Disk {disk_id} of VM {vm_id} has no snapshot {snapshot_id}; use -1", vm_id)
        image = self._image(tx, session, vm, disk, name, kind)
        self._core.hooks.check_quota(session, ObjectKind.IMAGE, IMAGES=1, DISK_MIB=image.size_mb)
        try:
            tx.images.allocate(image)
        except InternalError as error:
            raise AllocateError(f"Error allocating a new image. {error}", error.object_id) from None
        disk.update({SAVED: YES, SAVE_AS: str(image.id), SNAPPED_ID: str(max(snapshot_id, -1))})
        is_snapped = snapshot_id < 0 and self._has_to_hold_still(vm, disk)
        if is_snapped:
            passing_id = DiskSnapshots(vm.template, disk).next_id
            disk.update({SNAPPED: YES, SNAPPED_ID: str(passing_id), SAVE_AS_PASSING: YES})
        self._plans.begin(tx, vm, _plan(vm, disk_id, image.id, is_snapped=is_snapped))
        return image.id

    def _has_to_hold_still(self, vm: Vm, disk: Vector) -> bool:
        """Return whether a guest writes to the disk, and its driver can have it wait."""
        if vm.state is not VmState.ACTIVE or disk.get("READONLY", "NO").upper() == "YES":
            return False
        pool, names = self._core.drivers.pool, {disk.get("TM_MAD", ""), vm.history[-1].tm_mad}
        if any(pool.is_executable("tm", name) for name in names if name):
            return False  # with some, a disk cannot be rid again of the newest snapshot
        return self._plans.can(vm, VmmAction.DISKSNAPSHOTCREATE)

    @staticmethod
    def _image(tx: Transaction, session: Session, vm: Vm, disk: Vector, name: str, kind: str) -> Image:
        original = tx.images.find(int(disk["IMAGE_ID"])) if "IMAGE_ID" in disk else None
        if original is None:
            raise ActionError(
                f"Disk {disk['DISK_ID']} of VM {vm.id} comes from no image, so no datastore can take it",
                vm.id,
            )
        datastore = tx.datastores.get(original.datastore_id)
        require(tx, session, ObjectKind.DATASTORE, Right.USE, datastore.id)
        size_mib, wanted = int(disk["SIZE"]), image_type(kind) if kind else original.type
        if wanted not in (ImageType.OS, ImageType.CDROM, ImageType.DATABLOCK):
            raise ActionError(f"A disk cannot be saved as a {wanted.name}; use OS, CDROM or DATABLOCK", vm.id)
        reason = unfit_reason(wanted, datastore) or no_room_reason(size_mib, datastore)
        if reason:
            raise AllocateError(f"Error allocating a new image. {reason}")
        template = Template(
            [(key, value) for key, value in original.template if key in ("DEV_PREFIX", "DRIVER")]
        )
        template.set(SAVED_VM, str(vm.id))
        template.set("SAVED_DISK_ID", disk["DISK_ID"])
        template.set("SAVED_IMAGE_ID", str(original.id))
        return Image(
            id=-1,
            name=name,
            **owned_by(session),
            template=template,
            type=wanted,
            disk_type=original.disk_type,
            regtime=tx.now,
            format=original.format,
            size_mb=size_mib,
            state=ImageState.LOCKED,
            datastore_id=datastore.id,
            datastore=datastore.name,
        )

    async def make_image(self, vm_id: int, action: str, arguments: Mapping[str, Any]) -> str:
        """Carry out the plan's first step: have the image made, and note in the VM where it is.

        :raises DriverError: the datastore's driver cannot
        """
        image = await self._work.make_for_saving(int(arguments["image_id"]))

        def note(tx: Transaction) -> None:
            vm = tx.vms.get(vm_id)
            disk = vector_with(vm, "DISK", "DISK_ID", int(arguments["disk_id"]))
            if disk is not None:
                disk[SAVE_AS_SOURCE] = image.source
                tx.vms.save(vm)

        await self._core.store.write(note)
        return image.source


def _plan(vm: Vm, disk_id: int, image_id: int, *, is_snapped: bool) -> Plan:
    state = _STATES.get(vm.state, LcmState.HOTPLUG_SAVEAS)
    arguments = {"disk_id": disk_id, "image_id": image_id}
    snap = Step("vmm", VmmAction.DISKSNAPSHOTCREATE.value, state, arguments=arguments)
    steps = (
        Step(SAVING_STEP, "MKFS", state, arguments=arguments),
        *((snap,) if is_snapped else ()),
        Step("tm", Phase.SAVE_AS, state, arguments=arguments),
    )
    return Plan(vm.id, DISK_SAVEAS, steps, (vm.state, vm.lcm_state))
