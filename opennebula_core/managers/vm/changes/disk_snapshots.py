"""Snapshots of single disks: made, gone back to, removed, renamed."""

from __future__ import annotations

from typing import Final

from opennebula_core.contracts.method import ObjectKind, Session
from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError
from opennebula_core.managers.core import Core
from opennebula_core.managers.transfer.phases import Phase
from opennebula_core.managers.vm.changes.plans import transfer
from opennebula_core.managers.vm.changes.vectors import disk_of, vector_with
from opennebula_core.managers.vm.plans import VmPlans, allow
from opennebula_core.model.disk_snapshots import DiskSnapshots
from opennebula_core.model.marks import SNAPPED, SNAPPED_ID, YES
from opennebula_core.model.objects import Vm
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.model.template import Vector
from opennebula_core.plans.plan import Step

SNAP_CREATE: Final = "disk-snapshot-create"
SNAP_REVERT: Final = "disk-snapshot-revert"
SNAP_DELETE: Final = "disk-snapshot-delete"
SNAP_RENAME: Final = "disk-snapshot-rename"
_CREATING: Final = {
    VmState.POWEROFF: LcmState.DISK_SNAPSHOT_POWEROFF,
    VmState.SUSPENDED: LcmState.DISK_SNAPSHOT_SUSPENDED,
}
_REVERTING: Final = {VmState.POWEROFF: LcmState.DISK_SNAPSHOT_REVERT_POWEROFF}
_DELETING: Final = {
    VmState.POWEROFF: LcmState.DISK_SNAPSHOT_DELETE_POWEROFF,
    VmState.SUSPENDED: LcmState.DISK_SNAPSHOT_DELETE_SUSPENDED,
    VmState.ACTIVE: LcmState.DISK_SNAPSHOT_DELETE,
}


def _found(vm: Vm, step: Step) -> tuple[DiskSnapshots, int] | None:
    """Return the snapshots of the disk that a step is about, unmarked, and the one that is meant."""
    disk = vector_with(vm, "DISK", "DISK_ID", step.arguments["disk_id"])
    if disk is None:
        return None
    for mark in (SNAPPED, SNAPPED_ID):
        disk.pop(mark, None)
    return DiskSnapshots(vm.template, disk), step.arguments["snapshot_id"]


class DiskSnapshotCreated:
    """What becomes of a snapshot that is being made."""

    def done(self, tx: Transaction, vm: Vm, step: Step, info: str) -> None:
        """Keep it; the disk goes on from it."""
        found = _found(vm, step)
        if found is not None:
            found[0].go_on_from(found[1])

    def undone(self, tx: Transaction, vm: Vm, step: Step) -> None:
        """Forget it."""
        found = _found(vm, step)
        if found is not None:
            found[0].remove(found[1])


class DiskSnapshotReverted:
    """What becomes of a disk that goes back to a snapshot."""

    def done(self, tx: Transaction, vm: Vm, step: Step, info: str) -> None:
        """Note that it goes on from there."""
        found = _found(vm, step)
        if found is not None:
            found[0].go_on_from(found[1])

    def undone(self, tx: Transaction, vm: Vm, step: Step) -> None:
        """Leave it where it was."""
        _found(vm, step)


class DiskSnapshotDeleted:
    """What becomes of a snapshot that is being removed."""

    def done(self, tx: Transaction, vm: Vm, step: Step, info: str) -> None:
        """Forget it."""
        found = _found(vm, step)
        if found is not None:
            found[0].remove(found[1])

    def undone(self, tx: Transaction, vm: Vm, step: Step) -> None:
        """Keep it."""
        _found(vm, step)


class DiskSnapshotChanges:
    """The use cases, inside the caller's transaction.

    A persistent disk has none: its snapshots would have to stay with its image.
    """

    def __init__(self, core: Core, plans: VmPlans) -> None:
        self._core = core
        self._plans = plans

    def create(self, tx: Transaction, session: Session, vm_id: int, disk_id: int, name: str) -> int:
        """Make a snapshot of a disk, and return its id.

        :raises ActionError: the state does not allow it, or the disk is persistent
        """
        vm = tx.vms.get(vm_id)
        allow(vm, SNAP_CREATE, tuple(_CREATING), (LcmState.RUNNING,))
        if vm.state is VmState.ACTIVE:
            self._plans.need(vm, VmmAction.DISKSNAPSHOTCREATE)
            raise ActionError(
                f"Disk {disk_id} of VM {vm_id} is in use; power the VM off, or suspend it", vm_id
            )
        disk = disk_of(vm, disk_id)
        if disk.get("PERSISTENT") == YES:
            raise ActionError(
                f"Disk {disk_id} of VM {vm_id} is persistent and cannot have snapshots; clone its image",
                vm_id,
            )
        self._core.hooks.check_quota(session, ObjectKind.VM, DISK_MIB=int(disk["SIZE"]))
        snapshots, limit = DiskSnapshots(vm.template, disk), self._core.config.vm.snapshots
        if len(snapshots.all()) >= limit:
            raise ActionError(
                f"Disk {disk_id} of VM {vm_id} has {limit} snapshots, which is the most; delete some", vm_id
            )
        snapshot_id = snapshots.add(name, tx.now)
        self._begin(tx, vm, disk, snapshot_id, SNAP_CREATE, Phase.SNAP_CREATE, _CREATING[vm.state])
        return snapshot_id

    def revert(self, tx: Transaction, session: Session, vm_id: int, disk_id: int, snapshot_id: int) -> int:
        """Bring a disk back to a snapshot; what was written since is gone."""
        vm = tx.vms.get(vm_id)
        allow(vm, SNAP_REVERT, tuple(_REVERTING))
        disk, _, _ = _named(vm, disk_id, snapshot_id)
        self._begin(tx, vm, disk, snapshot_id, SNAP_REVERT, Phase.SNAP_REVERT, _REVERTING[vm.state])
        return vm_id

    def delete(self, tx: Transaction, session: Session, vm_id: int, disk_id: int, snapshot_id: int) -> int:
        """Remove a snapshot of a disk.

        :raises ActionError: the disk goes on from it, or others were made from it and may not be orphans
        """
        vm = tx.vms.get(vm_id)
        allow(vm, SNAP_DELETE, (VmState.POWEROFF, VmState.SUSPENDED), (LcmState.RUNNING,))
        disk, snapshots, _ = _named(vm, disk_id, snapshot_id)
        if snapshots.current == snapshot_id:
            raise ActionError(
                f"Snapshot {snapshot_id} of disk {disk_id} is active and cannot be deleted", vm_id
            )
        if snapshots.children(snapshot_id) and disk.get("ALLOW_ORPHANS", "NO").upper() == "NO":
            raise ActionError(
                f"Snapshot {snapshot_id} of disk {disk_id} has children and cannot be deleted", vm_id
            )
        self._begin(tx, vm, disk, snapshot_id, SNAP_DELETE, Phase.SNAP_DELETE, _DELETING[vm.state])
        return vm_id

    def rename(
        self, tx: Transaction, session: Session, vm_id: int, disk_id: int, snapshot_id: int, name: str
    ) -> int:
        """Give a snapshot of a disk another name."""
        vm = tx.vms.get(vm_id)
        allow(vm, SNAP_RENAME, (VmState.POWEROFF, VmState.SUSPENDED), (LcmState.RUNNING,))
        _, _, snapshot = _named(vm, disk_id, snapshot_id)
        if not name.strip():
            raise ActionError("The name of a snapshot cannot be empty", vm_id)
        snapshot["NAME"] = name
        tx.vms.save(vm)
        return vm_id

    def _begin(
        self,
        tx: Transaction,
        vm: Vm,
        disk: Vector,
        snapshot_id: int,
        operation: str,
        phase: str,
        state: LcmState,
    ) -> None:
        disk.update({SNAPPED: YES, SNAPPED_ID: str(snapshot_id)})
        ids = {"disk_id": int(disk["DISK_ID"]), "snapshot_id": snapshot_id}
        self._plans.begin(tx, vm, transfer(vm, operation, phase, state, **ids))


def _named(vm: Vm, disk_id: int, snapshot_id: int) -> tuple[Vector, DiskSnapshots, Vector]:
    disk = disk_of(vm, disk_id)
    snapshots = DiskSnapshots(vm.template, disk)
    snapshot = snapshots.find(snapshot_id)
    if snapshot is None:
        raise ActionError(f"Snapshot {snapshot_id} of disk {disk_id} does not exist in VM {vm.id}", vm.id)
    return disk, snapshots, snapshot
