"""Snapshots of whole VMs while they run: memory and disks. They live as long as the guest does."""

from __future__ import annotations

from typing import Final

from opennebula_core.contracts.method import Session
from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError
from opennebula_core.managers.vm.changes.plans import hotplug
from opennebula_core.managers.vm.changes.vectors import free_id, vector_with
from opennebula_core.managers.vm.plans import VmPlans, allow
from opennebula_core.model.marks import ACTIVE, YES
from opennebula_core.model.objects import Vm
from opennebula_core.model.states import LcmState
from opennebula_core.model.template import Vector
from opennebula_core.plans.plan import Step

CREATE: Final = "snapshot-create"
REVERT: Final = "snapshot-revert"
DELETE: Final = "snapshot-delete"
SNAPSHOT, SNAPSHOT_ID = "SNAPSHOT", "SNAPSHOT_ID"


class SnapshotCreated:
    """What becomes of a snapshot that is being made."""

    def done(self, tx: Transaction, vm: Vm, step: Step, info: str) -> None:
        """Keep it, under the name that the hypervisor gave it."""
        snapshot = _unmarked(vm, step)
        if snapshot is not None:
            snapshot["HYPERVISOR_ID"] = (info.split() or [""])[0]

    def undone(self, tx: Transaction, vm: Vm, step: Step) -> None:
        """Forget it."""
        _forget(vm, step)


class SnapshotReverted:
    """What becomes of a VM that goes back to a snapshot."""

    def done(self, tx: Transaction, vm: Vm, step: Step, info: str) -> None:
        """Keep the snapshot."""
        _unmarked(vm, step)

    def undone(self, tx: Transaction, vm: Vm, step: Step) -> None:
        """Keep the snapshot."""
        _unmarked(vm, step)


class SnapshotDeleted:
    """What becomes of a snapshot that is being removed."""

    def done(self, tx: Transaction, vm: Vm, step: Step, info: str) -> None:
        """Forget it."""
        _forget(vm, step)

    def undone(self, tx: Transaction, vm: Vm, step: Step) -> None:
        """Keep it."""
        _unmarked(vm, step)


def _unmarked(vm: Vm, step: Step) -> Vector | None:
    snapshot = vector_with(vm, SNAPSHOT, SNAPSHOT_ID, step.arguments["snapshot_id"])
    if snapshot is not None:
        snapshot.pop(ACTIVE, None)
    return snapshot


def _forget(vm: Vm, step: Step) -> None:
    snapshot = vector_with(vm, SNAPSHOT, SNAPSHOT_ID, step.arguments["snapshot_id"])
    if snapshot is not None:
        vm.template.discard(SNAPSHOT, snapshot)


class SnapshotChanges:
    """The use cases, inside the caller's transaction.

    :param limit: snapshots that a VM may have: each change of the VM writes all of them
    """

    def __init__(self, plans: VmPlans, limit: int) -> None:
        self._plans = plans
        self._limit = limit

    def create(self, tx: Transaction, session: Session, vm_id: int, name: str) -> int:
        """Make a snapshot of a VM that runs, and return its id. It is sent to the driver at most once."""
        vm = tx.vms.get(vm_id)
        allow(vm, CREATE, lcm=(LcmState.RUNNING,))
        if len(vm.template.vectors(SNAPSHOT)) >= self._limit:
            raise ActionError(
                f"VM {vm_id} has {self._limit} snapshots, which is the most; delete some", vm_id
            )
        snapshot_id = free_id(vm, SNAPSHOT_ID, SNAPSHOT)
        disk_mib = sum(int(disk.get("SIZE", "0") or 0) for disk in vm.template.vectors("DISK"))
        vm.template.add(
            SNAPSHOT,
            {
                SNAPSHOT_ID: str(snapshot_id),
                "NAME": name or f"snapshot-{snapshot_id}",
                "TIME": str(tx.now),
                "HYPERVISOR_ID": "",
                "SYSTEM_DISK_SIZE": str(disk_mib),
            },
        )
        self._begin(tx, vm, snapshot_id, CREATE, VmmAction.SNAPSHOTCREATE)
        return snapshot_id

    def revert(self, tx: Transaction, session: Session, vm_id: int, snapshot_id: int) -> int:
        """Bring a VM that runs back to a snapshot; what it did since is gone."""
        return self._of_snapshot(tx, vm_id, snapshot_id, REVERT, VmmAction.SNAPSHOTREVERT)

    def delete(self, tx: Transaction, session: Session, vm_id: int, snapshot_id: int) -> int:
        """Remove a snapshot of a VM that runs."""
        return self._of_snapshot(tx, vm_id, snapshot_id, DELETE, VmmAction.SNAPSHOTDELETE)

    def _of_snapshot(
        self, tx: Transaction, vm_id: int, snapshot_id: int, operation: str, action: VmmAction
    ) -> int:
        vm = tx.vms.get(vm_id)
        allow(vm, operation, lcm=(LcmState.RUNNING,))
        if vector_with(vm, SNAPSHOT, SNAPSHOT_ID, snapshot_id) is None:
            raise ActionError(f"Snapshot with ID {snapshot_id} does not exist in VM {vm_id}", vm_id)
        self._begin(tx, vm, snapshot_id, operation, action)
        return vm_id

    def _begin(self, tx: Transaction, vm: Vm, snapshot_id: int, operation: str, action: VmmAction) -> None:
        self._plans.need(vm, action)
        snapshot = vector_with(vm, SNAPSHOT, SNAPSHOT_ID, snapshot_id)
        if snapshot is not None:
            snapshot[ACTIVE] = YES
        plan = hotplug(
            vm,
            operation,
            action,
            LcmState.HOTPLUG_SNAPSHOT,
            at_most_once=action is VmmAction.SNAPSHOTCREATE,
            snapshot_id=snapshot_id,
        )
        self._plans.begin(tx, vm, plan)
