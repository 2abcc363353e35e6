"""The API methods that put a VM into a group and take it out. Source: OpenNebula 7.4 API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError, InternalError
from opennebula_core.managers.vm_group.membership import VMGROUP, enter_role
from opennebula_core.model.states import VmState
from opennebula_core.model.template import Vector

_MANAGE: Final = Need(ObjectKind.VM, Right.MANAGE, "id")


def membership_methods() -> Iterable[Method]:
    """Return both."""
    yield Method(
        "one.vm.vmgroupadd",
        (Param("id", int), Param("vmgroup", int), Param("role", str)),
        (_MANAGE, Need(ObjectKind.VMGROUP, Right.USE, "vmgroup")),
        Mode.WRITE,
        _add,
        "Put a VM that is in no group into a role; it counts from the next time that the VM is placed.",
    )
    yield Method(
        "one.vm.vmgroupdel",
        (Param("id", int),),
        (_MANAGE,),
        Mode.WRITE,
        _remove,
        "Take a VM out of its group.",
    )


def _add(tx: Transaction, session: Session, vm_id: int, group_id: int, role_name: str) -> int:
    vm, group = tx.vms.get(vm_id), tx.vm_groups.get(group_id)
    if vm.state is VmState.DONE:
        raise ActionError("Could not add the VM to a VM Group, wrong state DONE.", vm_id)
    present = tx.vm_groups.group_of(vm_id)
    if present is not None:
        raise ActionError(f"VM {vm_id} is already in VM Group {present}; take it out of there first.", vm_id)
    try:
        enter_role(tx, group, role_name, vm_id)
    except InternalError as error:
        raise ActionError(str(error), vm_id) from None
    vm.template.set(VMGROUP, Vector({"ROLE": role_name, "VMGROUP_ID": str(group_id)}))
    tx.vms.save(vm)
    return vm_id


def _remove(tx: Transaction, session: Session, vm_id: int) -> int:
    vm = tx.vms.get(vm_id)
    # What a VM says of its group outlives the membership when it ends: then it tells of the past, and stays.
    if tx.vm_groups.leave(vm_id) is None and (vm.state is VmState.DONE or VMGROUP not in vm.template):
        raise ActionError(f"VM {vm_id} is in no VM Group.", vm_id)
    vm.template.remove(VMGROUP)
    tx.vms.save(vm)
    return vm_id
