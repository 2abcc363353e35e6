"""The API methods of groups of VMs. Source of rules and texts: OpenNebula 6.10, VMGroup."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.vm_group import render_vm_group
from opennebula_core.errors import ActionError, InternalError
from opennebula_core.managers.core import Core
from opennebula_core.managers.objects import Kind, lock_methods, owned_methods, parse_text, require_text
from opennebula_core.managers.ownership import owned_by
from opennebula_core.managers.pools import info_method, pool_method
from opennebula_core.model.objects import VmGroup
from opennebula_core.model.template import Template, Vector
from opennebula_core.model.vm_groups import ROLE, add_role, check_rules

VMGROUP: Final = ObjectKind.VMGROUP


def vm_group_methods(core: Core) -> Iterable[Method]:
    """Return the methods of groups as a whole, and of their pool."""
    kind = Kind(
        "one.vmgroup", VMGROUP, updated=_updated, other_bits=core.config.users.enable_other_permissions
    )
    yield from owned_methods(kind)
    yield from lock_methods(kind)
    yield info_method("one.vmgroup", VMGROUP, _render)
    yield pool_method("one.vmgrouppool.info", VMGROUP, "VM_GROUP_POOL", _render_many)
    yield Method(
        "one.vmgroup.allocate",
        (Param("template", str),),
        (Need(VMGROUP, Right.CREATE),),
        Mode.WRITE,
        _allocate,
        "Make a group of VMs, with its roles and the rules between them.",
        lambda text: (parse_text(text),),
    )
    yield Method(
        "one.vmgroup.delete",
        (Param("id", int),),
        (Need(VMGROUP, Right.MANAGE, "id"),),
        Mode.WRITE,
        _delete,
        "Remove a group that has no VMs.",
    )


def _render(tx: Snapshot, group: VmGroup) -> str:
    return render_vm_group(group)


def _render_many(tx: Snapshot, groups: Iterable[VmGroup]) -> Iterable[str]:
    return map(render_vm_group, groups)


def _allocate(tx: Transaction, session: Session, content: Template) -> int:
    name = require_text("NAME", content.take("NAME"))
    roles = Template()
    for role in content.remove(ROLE):
        if not isinstance(role, Vector):
            raise InternalError(f"Wrong {ROLE} in VM group: use {ROLE}=[NAME=..., POLICY=...]")
        add_role(roles, role)
    check_rules(content, roles)
    return tx.vm_groups.allocate(
        VmGroup(
            id=-1,
            name=name,
            **owned_by(session),
            template=content,
            roles=roles,
        )
    )


def vm_count(group: VmGroup) -> int:
    """Return how many VMs a group has."""
    return sum(map(len, group.members.values()))


def _updated(tx: Transaction, session: Session, changed: object, template: Template) -> None:
    """Check the rules of a group again; its roles have methods of their own."""
    assert isinstance(changed, VmGroup)
    if vm_count(changed):
        raise InternalError(f"Cannot update template. VM Group has {vm_count(changed)} VMs", changed.id)
    template.remove(ROLE)
    check_rules(template, changed.roles)


def _delete(tx: Transaction, session: Session, group_id: int) -> int:
    group = tx.vm_groups.get(group_id)
    if vm_count(group):
        vm_id = min(min(vm_ids) for vm_ids in group.members.values())
        raise ActionError(
            f"Cannot delete vm group. The group has {vm_count(group)} VMs, such as VM {vm_id}; "
            f"terminate them, or take them out of the group.",
            group_id,
        )
    tx.vm_groups.drop(group_id)
    return group_id
