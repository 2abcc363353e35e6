"""VMs in the roles of groups. Source of rules and texts: OpenNebula 6.10, VMGroupPool."""

from __future__ import annotations

from opennebula_core.contracts.method import ObjectKind, Right, Session
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import InternalError
from opennebula_core.managers.rights import require_on
from opennebula_core.model.numbers import whole_number
from opennebula_core.model.objects import Vm, VmGroup
from opennebula_core.model.template import Vector
from opennebula_core.model.vm_groups import find_role

VMGROUP = "VMGROUP"


def take_role(tx: Transaction, session: Session, vm: Vm) -> None:
    """Put a new VM into the role that its attribute VMGROUP names; of several the first counts.

    :raises InternalError: there is no such group or role
    :raises AuthorizationError: the caller may not use the group
    """
    given = vm.template.vector(VMGROUP)
    if given is None or not given.get("ROLE"):
        raise InternalError("Missing role name in VM Group definition")
    group = _find_group(tx, session, given)
    if group is None:
        raise InternalError("Cannot find VM Group to associate the VM")
    require_on(tx, session, ObjectKind.VMGROUP, Right.USE, group)
    given["VMGROUP_ID"] = str(group.id)
    vm.template.set(VMGROUP, given)
    enter_role(tx, group, given["ROLE"], vm.id)


def enter_role(tx: Transaction, group: VmGroup, role_name: str, vm_id: int) -> None:
    """Put a VM that is in no group into a role of one.

    :raises InternalError: the group has no such role
    """
    role = find_role(group.roles, role_name)
    if role is None:
        raise InternalError("Role does not exist in VM Group")
    tx.vm_groups.join(group.id, int(role["ID"]), vm_id)


def _find_group(tx: Transaction, session: Session, given: Vector) -> VmGroup | None:
    """Return the group that is named; by its name it is the caller's, or that of VMGROUP_UID."""
    name = given.get("VMGROUP_NAME")
    if name:
        uid = whole_number(given["VMGROUP_UID"]) if "VMGROUP_UID" in given else session.user_id
        return None if uid is None else tx.vm_groups.find_by_name(name, uid)
    group_id = whole_number(given.get("VMGROUP_ID", ""))
    return None if group_id is None else tx.vm_groups.find(group_id)
