"""The API methods of the roles of a group of VMs. Source of rules and texts: OpenNebula 6.10, VMGroup."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError, InternalError, TemplateError
from opennebula_core.managers.objects import parse_text
from opennebula_core.model.objects import VmGroup
from opennebula_core.model.template import Vector
from opennebula_core.model.vm_groups import ROLE, add_role, change_role, check_rules, role_by_id

_MANAGE: Final = (Need(ObjectKind.VMGROUP, Right.MANAGE, "id"),)


def role_methods() -> Iterable[Method]:
    """Return the methods that add, change and remove roles."""
    group_id, role_id, text = Param("id", int), Param("role", int), Param("template", str)
    yield Method(
        "one.vmgroup.roleadd",
        (group_id, text),
        _MANAGE,
        Mode.WRITE,
        _add,
        "Add a role.",
        lambda group, given: (group, _role(given)),
    )
    yield Method(
        "one.vmgroup.roleupdate",
        (group_id, role_id, text),
        _MANAGE,
        Mode.WRITE,
        _update,
        "Change a role that has no VMs.",
        lambda group, role, given: (group, role, _role(given)),
    )
    yield Method(
        "one.vmgroup.roledelete",
        (group_id, role_id),
        _MANAGE,
        Mode.WRITE,
        _remove,
        "Remove a role without VMs.",
    )


def _role(text: str) -> Vector:
    """Return the role that a text describes.

    :raises ActionError: it describes none
    """
    try:
        role = parse_text(text).vector(ROLE)
    except TemplateError as error:
        raise ActionError(f"Parse error: {error}") from None
    if role is None:
        raise ActionError("No ROLE attribute in template")
    return role


def _change(tx: Transaction, group: VmGroup, change: Callable[[], None]) -> int:
    """Change the roles of a group, and save it when its rules still make sense.

    :raises ActionError: they do not, or the change cannot be made
    """
    try:
        change()
        check_rules(group.template, group.roles)
    except InternalError as error:
        raise ActionError(str(error), group.id) from None
    tx.vm_groups.save(group)
    return group.id


def _add(tx: Transaction, session: Session, group_id: int, given: Vector) -> int:
    group = tx.vm_groups.get(group_id)
    return _change(tx, group, lambda: add_role(group.roles, given))


def _update(tx: Transaction, session: Session, group_id: int, role_id: int, given: Vector) -> int:
    group = tx.vm_groups.get(group_id)
    role = role_by_id(group.roles, role_id)
    if role is None:
        raise ActionError(f"VMGroup {group_id} doesn't have role {role_id}", group_id)
    if group.members.get(role_id):
        raise ActionError(f"VMGroup {group_id} Role {role_id} has VMs, unable to update", group_id)
    return _change(tx, group, lambda: change_role(group.roles, role, given))


def _remove(tx: Transaction, session: Session, group_id: int, role_id: int) -> int:
    group = tx.vm_groups.get(group_id)
    role = role_by_id(group.roles, role_id)
    if role is None:
        raise ActionError(f"Unable to delete role {role_id}, the role doesn't exists", group_id)
    if group.members.get(role_id):
        raise ActionError(f"Unable to delete role {role_id}, the role has assigned VMs", group_id)
    return _change(tx, group, lambda: group.roles.discard(ROLE, role))
