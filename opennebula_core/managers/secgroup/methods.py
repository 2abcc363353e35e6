"""The API methods of security groups."""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.secgroup import render_security_group
from opennebula_core.errors import ActionError
from opennebula_core.managers.core import Core
from opennebula_core.managers.objects import Kind, owned_methods, parse_text, require_text
from opennebula_core.managers.pools import info_method, pool_method
from opennebula_core.model.objects import SecurityGroup
from opennebula_core.model.permissions import permissions_of_umask
from opennebula_core.model.states import VmState
from opennebula_core.model.template import Template

SECGROUP = ObjectKind.SECGROUP
_DEFAULT = 0


def security_group_methods(core: Core) -> Iterable[Method]:
    """Return all methods of security groups and their pool."""
    other_bits = core.config.users.enable_other_permissions
    yield from owned_methods(Kind("one.secgroup", SECGROUP, other_bits=other_bits))
    yield info_method("one.secgroup", SECGROUP, _render)
    yield pool_method("one.secgrouppool.info", SECGROUP, "SECURITY_GROUP_POOL", _render_many)
    yield Method(
        "one.secgroup.allocate",
        (Param("template", str),),
        (Need(SECGROUP, Right.CREATE),),
        Mode.WRITE,
        _allocate,
        "Make a security group from a template text.",
        lambda text: (parse_text(text),),
    )
    yield Method(
        "one.secgroup.clone",
        (Param("id", int), Param("name", str)),
        (Need(SECGROUP, Right.USE, "id"), Need(SECGROUP, Right.CREATE)),
        Mode.WRITE,
        _clone,
        "Copy a security group.",
    )
    yield Method(
        "one.secgroup.commit",
        (Param("id", int), Param("only_failed", bool)),
        (Need(SECGROUP, Right.MANAGE, "id"),),
        Mode.WRITE,
        _commit,
        "Carry changed rules to the VMs that have the group.",
    )
    yield Method(
        "one.secgroup.delete",
        (Param("id", int),),
        (Need(SECGROUP, Right.MANAGE, "id"),),
        Mode.WRITE,
        _delete,
        "Remove a security group that no VM has.",
    )


def _render(tx: Snapshot, group: SecurityGroup) -> str:
    return render_security_group(group)


def _render_many(tx: Snapshot, groups: Iterable[SecurityGroup]) -> Iterable[str]:
    return map(render_security_group, groups)


def _new(tx: Transaction, session: Session, name: str, rules: Template) -> int:
    return tx.security_groups.allocate(
        SecurityGroup(
            id=-1,
            name=name,
            uid=session.user_id,
            gid=session.group_id,
            uname=session.user_name,
            gname=session.group_name,
            permissions=permissions_of_umask(session.umask, is_admin=session.is_admin),
            template=rules,
        )
    )


def _allocate(tx: Transaction, session: Session, rules: Template) -> int:
    names = [value for value in rules.remove("NAME") if isinstance(value, str)]
    return _new(tx, session, require_text("NAME", names[0] if names else ""), rules)


def _clone(tx: Transaction, session: Session, group_id: int, name: str) -> int:
    return _new(tx, session, name, tx.security_groups.get(group_id).template.copy())


def _delete(tx: Transaction, session: Session, group_id: int) -> int:
    tx.security_groups.get(group_id)
    if group_id == _DEFAULT:
        raise ActionError(
            "Cannot delete security group. The default security group (ID 0) cannot be deleted.", group_id
        )
    users = _vm_ids(tx, group_id)
    if users:
        raise ActionError(
            f"Cannot delete security group. The security group has VMs using it: {len(users)}, "
            f"such as VM {users[0]}; terminate them or detach their NICs first.",
            group_id,
        )
    tx.security_groups.drop(group_id)
    return group_id


def _commit(tx: Transaction, session: Session, group_id: int, only_failed: bool) -> int:
    """Carry the rules to the VMs that have the group: done where there is none, refused where there are."""
    tx.security_groups.get(group_id)
    users = _vm_ids(tx, group_id)
    if users:
        raise ActionError(
            f"Cannot commit security group. {len(users)} VMs use it, such as VM {users[0]}, and no network "
            f"driver of this release filters packets: its rules are kept, but in force nowhere.",
            group_id,
        )
    return group_id


def _vm_ids(tx: Transaction, group_id: int) -> list[int]:
    """Return the VMs that have a NIC with the group.

    The pattern only narrows down, so that few of many VMs are parsed.
    """
    rows = tx.query(
        "SELECT id, template FROM vm WHERE state <> ? AND template LIKE ?",
        (VmState.DONE, f"%SECURITY_GROUPS%{group_id}%"),
    )
    return [vm_id for vm_id, text in rows if str(group_id) in _groups_of_nics(Template.from_json(text))]


def _groups_of_nics(template: Template) -> set[str]:
    return {
        group
        for kind in ("NIC", "NIC_ALIAS")
        for nic in template.vectors(kind)
        for group in nic.get("SECURITY_GROUPS", "").replace(" ", "").split(",")
    }
