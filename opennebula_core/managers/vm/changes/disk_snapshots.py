"""Snapshots of single disks: made, gone back to, removed, renamed."""

from __future__ import annotations

from typing import Final

from opennebula_core.contracts.method import ObjectKind, Right, Session
from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError
from opennebula_core.managers.core import Core
from opennebula_core.managers.rights import require
from opennebula_core.managers.transfer.phases import Phase
from opennebula_core.managers.vm.changes.plans import hotplug, transfer
from opennebula_core.managers.vm.changes.vectors import disk_of, vector_with
from opennebula_core.managers.vm.kept_snapshots import count_snapshots
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


def _remove(tx: Transaction, vm: Vm, step: Step) -> None:
    found = _found(vm, step)
    if found is not None:
        snapshots, snapshot_id = found
        snapshots.remove(snapshot_id)
        count_snapshots(tx, vm, snapshots.disk)


class DiskSnapshotCreated:
    """What becomes of a snapshot that is being made."""

    def done(self, tx: Transaction, vm: Vm, step: Step, info: str) -> None:
        """Keep it; the disk goes on from it."""
        found = _found(vm, step)
        if found is not None:
            found[0].go_on_from(found[1])

    def undone(self, tx: Transaction, vm: Vm, step: Step) -> None:
        """Forget it."""
        _remove(tx, vm, step)


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
        _remove(tx, vm, step)

    def undone(self, tx: Transaction, vm: Vm, step: Step) -> None:
        """Keep it."""
        _found(vm, step)


class DiskSnapshotChanges:
    """The use cases, inside the caller's transaction.

    Those of a persistent disk go back with it to its image, and count for the image's owner.
    """

    def __init__(self, core: Core, plans: VmPlans) -> None:
        self._core = core
        self._plans = plans

    def create(self, tx: Transaction, session: Session, vm_id: int, disk_id: int, name: str) -> int:
        """Make a snapshot of a disk, and return its id; a guest that runs is held still for it.

        :raises ActionError: the state does not allow it, or the driver of the VM's host cannot
        """
        vm = tx.vms.get(vm_id)
        allow(vm, SNAP_CREATE, tuple(_CREATING), (LcmState.RUNNING,))
        disk = disk_of(vm, disk_id)
        _check_image(tx, session, disk)
        self._core.hooks.check_quota(session, ObjectKind.VM, DISK_MIB=int(disk["SIZE"]))
        snapshots = DiskSnapshots(vm.template, disk)
        self._check_limit(vm, snapshots)
        snapshot_id = snapshots.make(name, tx.now)
        count_snapshots(tx, vm, disk)
        if vm.state is VmState.ACTIVE:
            self._begin_live(tx, vm, disk, snapshot_id)
        else:
            self._begin(tx, vm, disk, snapshot_id, SNAP_CREATE, Phase.SNAP_CREATE, _CREATING[vm.state])
        return snapshot_id

    def _check_limit(self, vm: Vm, snapshots: DiskSnapshots) -> None:
        limit, disk_id = self._core.config.vm.snapshots, snapshots.disk_id
        if len(snapshots.all()) >= limit:
            raise ActionError(
                f"Disk {disk_id} of VM {vm.id} has {limit} snapshots, which is the most; delete some", vm.id
            )

    def _begin_live(self, tx: Transaction, vm: Vm, disk: Vector, snapshot_id: int) -> None:
        action = VmmAction.DISKSNAPSHOTCREATE
        self._plans.need(vm, action)
        disk.update({SNAPPED: YES, SNAPPED_ID: str(snapshot_id)})
        disk_id, state = int(disk["DISK_ID"]), LcmState.DISK_SNAPSHOT
        plan = hotplug(vm, SNAP_CREATE, action, state, disk_id=disk_id, snapshot_id=snapshot_id)
        self._plans.begin(tx, vm, plan)

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
        _check_image(tx, session, disk)
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


def _check_image(tx: Transaction, session: Session, disk: Vector) -> None:
    """See that the caller may change the image that a persistent disk's snapshots will be part of."""
    if disk.get("PERSISTENT") == YES:
        require(tx, session, ObjectKind.IMAGE, Right.MANAGE, int(disk["IMAGE_ID"]))


def _named(vm: Vm, disk_id: int, snapshot_id: int) -> tuple[Vector, DiskSnapshots, Vector]:
    disk = disk_of(vm, disk_id)
    snapshots = DiskSnapshots(vm.template, disk)
    snapshot = snapshots.find(snapshot_id)
    if snapshot is None:
        raise ActionError(f"Snapshot {snapshot_id} of disk {disk_id} does not exist in VM {vm.id}", vm.id)
    return disk, snapshots, snapshot
