"""Disks of VMs that are there are made larger."""

from __future__ import annotations

from typing import Final

from opennebula_core.contracts.method import ObjectKind, Right, Session
from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError
from opennebula_core.managers.core import Core
from opennebula_core.managers.rights import require
from opennebula_core.managers.transfer.phases import Phase
from opennebula_core.managers.vm.changes.disks import DISK_ID
from opennebula_core.managers.vm.changes.plans import hotplug, transfer
from opennebula_core.managers.vm.changes.vectors import disk_of, vector_with
from opennebula_core.managers.vm.plans import VmPlans, allow
from opennebula_core.managers.vm.records import rebooked
from opennebula_core.model.disk_snapshots import DiskSnapshots
from opennebula_core.model.marks import RESIZED, YES
from opennebula_core.model.numbers import MAX_MIB, whole_number
from opennebula_core.model.objects import Vm
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.model.template import Vector
from opennebula_core.plans.plan import Step

DISK_RESIZE: Final = "disk-resize"
_STATES: Final = {
    VmState.POWEROFF: LcmState.DISK_RESIZE_POWEROFF,
    VmState.UNDEPLOYED: LcmState.DISK_RESIZE_UNDEPLOYED,
}


class DiskResized:
    """What becomes of a disk that is being made larger."""

    def done(self, tx: Transaction, vm: Vm, step: Step, info: str) -> None:
        """Keep its size; that of a persistent one is its image's, too."""
        disk = vector_with(vm, "DISK", DISK_ID, step.arguments["disk_id"])
        if disk is None:
            return
        disk.pop(RESIZED, None)
        if disk.get("PERSISTENT") == YES:
            disk["ORIGINAL_SIZE"] = disk["SIZE"]
            image = tx.images.find(int(disk["IMAGE_ID"]))
            if image is not None:
                image.size_mb = int(disk["SIZE"])
                tx.images.save(image)

    def undone(self, tx: Transaction, vm: Vm, step: Step) -> None:
        """Give it its former size again."""
        disk = vector_with(vm, "DISK", DISK_ID, step.arguments["disk_id"])
        if disk is not None:
            disk.pop(RESIZED, None)
            with rebooked(tx, vm):
                disk["SIZE"] = step.arguments["before"]


class DiskSizes:
    """The use case, inside the caller's transaction."""

    def __init__(self, core: Core, plans: VmPlans) -> None:
        self._core = core
        self._plans = plans

    def resize(self, tx: Transaction, session: Session, vm_id: int, disk_id: int, size: str) -> int:
        """Make a disk larger; the guest has to grow what is on it.

        :param size: MiB
        :raises RequestError: the state does not allow it, or the disk would become smaller
        """
        vm = tx.vms.get(vm_id)
        allow(vm, DISK_RESIZE, tuple(_STATES), (LcmState.RUNNING,))
        disk = disk_of(vm, disk_id)
        if DiskSnapshots(vm.template, disk).all():  # one goes back to a disk of the size that it had
            raise ActionError(
                f"Disk {disk_id} of VM {vm_id} has snapshots and cannot grow; delete them first", vm_id
            )
        if disk.get("PERSISTENT") == YES:
            require(tx, session, ObjectKind.IMAGE, Right.MANAGE, int(disk["IMAGE_ID"]))
        before, wanted = disk["SIZE"], whole_number(size.strip(), MAX_MIB)
        if wanted is None or wanted <= int(before):
            raise ActionError(
                f"Disk {disk_id} of VM {vm_id} has {before} MiB and can only grow, not to {size[:20]!r}",
                vm_id,
            )
        self._core.hooks.check_quota(session, ObjectKind.VM, DISK_MIB=wanted - int(before))
        with rebooked(tx, vm):
            disk["SIZE"] = str(wanted)
        self._begin(tx, vm, disk, before)
        return vm_id

    def _begin(self, tx: Transaction, vm: Vm, disk: Vector, before: str) -> None:
        disk[RESIZED] = YES
        disk_id = int(disk[DISK_ID])
        if vm.state in _STATES:
            state = _STATES[vm.state]
            plan = transfer(vm, DISK_RESIZE, Phase.RESIZE, state, disk_id=disk_id, before=before)
        else:
            action, state = VmmAction.RESIZEDISK, LcmState.DISK_RESIZE
            self._plans.need(vm, action)
            plan = hotplug(vm, DISK_RESIZE, action, state, disk_id=disk_id, before=before)
        self._plans.begin(tx, vm, plan)
