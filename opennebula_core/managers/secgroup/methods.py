"""The API methods of security groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.secgroup import render_security_group
from opennebula_core.errors import ActionError
from opennebula_core.managers.core import Core
from opennebula_core.managers.objects import Kind, UpdateHook, owned_methods, parse_text, require_text
from opennebula_core.managers.ownership import owned_by
from opennebula_core.managers.pools import info_method, pool_method
from opennebula_core.managers.secgroup.rules import check_networks, check_rules
from opennebula_core.managers.secgroup.updates import GroupUpdates
from opennebula_core.model.objects import PoolObject, SecurityGroup
from opennebula_core.model.template import Template

SECGROUP = ObjectKind.SECGROUP
_DEFAULT = 0


def security_group_methods(core: Core, updates: GroupUpdates) -> Iterable[Method]:
    """Return all methods of security groups and their pool.

    :param updates: brings changed rules to VMs
    """
    other_bits = core.config.users.enable_other_permissions
    yield from owned_methods(Kind("one.secgroup", SECGROUP, updated=_updated(updates), other_bits=other_bits))
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
        _commit(updates),
        "Bring the rules to all VMs that have the group, or to those only that do not have them yet.",
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
    return render_security_group(group, tx.security_groups.vm_lists((group.id,)).get(group.id))


def _render_many(tx: Snapshot, groups: Iterable[SecurityGroup]) -> Iterable[str]:
    found = list(groups)
    lists = tx.security_groups.vm_lists(group.id for group in found)
    return (render_security_group(group, lists.get(group.id)) for group in found)


def _updated(updates: GroupUpdates) -> UpdateHook:
    """Return what has new rules checked, and brought to the VMs: OpenNebula's update does so, too."""

    def updated(tx: Transaction, session: Session, changed: PoolObject, template: Template) -> None:
        check_rules(template)
        present = tx.security_groups.get(changed.id).template
        if template.vectors("RULE") != present.vectors("RULE"):
            check_networks(tx, session, template, present)
            updates.outdate(tx, changed.id)

    return updated


def _new(tx: Transaction, session: Session, name: str, rules: Template) -> int:
    return tx.security_groups.allocate(
        SecurityGroup(
            id=-1,
            name=name,
            **owned_by(session),
            template=rules,
        )
    )


def _allocate(tx: Transaction, session: Session, rules: Template) -> int:
    name = rules.take("NAME")
    check_rules(rules)
    check_networks(tx, session, rules, Template())
    return _new(tx, session, require_text("NAME", name), rules)


def _clone(tx: Transaction, session: Session, group_id: int, name: str) -> int:
    return _new(tx, session, name, tx.security_groups.get(group_id).template.copy())


def _delete(tx: Transaction, session: Session, group_id: int) -> int:
    tx.security_groups.get(group_id)
    if group_id == _DEFAULT:
        raise ActionError(
            "Cannot delete security group. The default security group (ID 0) cannot be deleted.", group_id
        )
    vm_id = tx.security_groups.some_vm(group_id)
    if vm_id is not None:
        raise ActionError(
            f"Cannot delete security group. The security group has VMs using it, such as VM {vm_id}; "
            f"terminate them or detach their NICs first.",
            group_id,
        )
    tx.security_groups.drop(group_id)
    return group_id


def _commit(updates: GroupUpdates) -> Callable[[Transaction, Session, int, bool], int]:
    def commit(tx: Transaction, session: Session, group_id: int, only_failed: bool) -> int:
        tx.security_groups.get(group_id)
        updates.outdate(tx, group_id, only_failed=only_failed)
        return group_id

    return commit
