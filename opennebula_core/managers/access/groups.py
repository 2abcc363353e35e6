"""The API methods of groups."""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.contracts.method import Access, Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.listing import ALL, Selection, select_pool
from opennebula_core.db.quotas import DEFAULTS
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.group import group_pool_end, render_group, render_group_in_pool
from opennebula_core.documents.quotas import NO_QUOTAS
from opennebula_core.errors import ActionError
from opennebula_core.managers.access.quotas import default_quotas, quotas_by_owner, quotas_of
from opennebula_core.managers.access.rules import drop_rule, drop_rules_of, ensure_rule
from opennebula_core.managers.objects import Kind, RenameHook, rename_method, update_method
from opennebula_core.managers.rights import require
from opennebula_core.managers.vdc.membership import forget_group, join_default
from opennebula_core.model import acl
from opennebula_core.model.acl import parse_rule
from opennebula_core.model.names import check_name
from opennebula_core.model.objects import AclRule, Group
from opennebula_core.model.quotas import Owner

GROUP = ObjectKind.GROUP
_ADMIN = (Need(GROUP, Right.ADMIN, "id"),)
_FIRST_OWN = 100


def group_methods(renamed: RenameHook) -> Iterable[Method]:
    """Return all methods of groups and their pool.

    :param renamed: called with a group under its new name
    """
    kind = Kind("one.group", GROUP, change=Right.ADMIN, renamed=renamed, allow_blanks=False)
    yield rename_method(kind)
    yield update_method(kind)
    yield Method(
        "one.group.info",
        (Param("id", int), Param("decrypt", bool, False)),
        Access.HANDLER,
        Mode.POINT,
        _info,
        "Return a group; -1 is the caller's primary group.",
    )
    yield Method("one.grouppool.info", (), Access.LISTING, Mode.READ, _pool, "List groups.")
    create = (Need(GROUP, Right.CREATE),)
    yield Method("one.group.allocate", (Param("name", str),), create, Mode.WRITE, _allocate, "Make a group.")
    yield Method(
        "one.group.delete", (Param("id", int),), _ADMIN, Mode.WRITE, _delete, "Remove an empty group."
    )
    both = (Param("id", int), Param("user", int))
    yield Method(
        "one.group.addadmin", both, _ADMIN, Mode.WRITE, _add_admin, "Make a member an admin of the group."
    )
    yield Method("one.group.deladmin", both, _ADMIN, Mode.WRITE, _drop_admin, "Make an admin a plain member.")


def _info(tx: Snapshot, session: Session, group_id: int, decrypt: bool) -> bytes:
    wanted = session.group_id if group_id < 0 else group_id
    group = tx.groups.get(wanted)
    if wanted not in session.group_ids:
        require(tx, session, GROUP, Right.USE, wanted)
    quotas, defaults = quotas_of(tx, Owner.GROUP, wanted), default_quotas(tx, Owner.GROUP)
    return render_group(group, quotas=quotas, default_quotas=defaults).encode()


def _pool(tx: Snapshot, session: Session) -> bytes:
    selection = select_pool(GROUP, session, tx.acl_rules(), ALL)
    if not session.is_admin:
        marks = ",".join("?" * len(session.group_ids))
        selection = Selection(
            f"({selection.condition}) OR id IN ({marks})",
            (*selection.parameters, *session.group_ids),
            selection.order,
        )
    groups = tx.groups.where(selection.sql, selection.parameters)
    quotas = quotas_by_owner(tx, Owner.GROUP)
    shown = (render_group_in_pool(group, quotas=quotas.get(group.id, NO_QUOTAS)) for group in groups)
    end = group_pool_end(quotas.get(DEFAULTS, NO_QUOTAS))
    return "".join(("&lt;GROUP_POOL&gt;", *shown, end)).encode()


def _allocate(tx: Transaction, session: Session, name: str) -> int:
    """Make a group, which may use what the default VDC holds. Source: OpenNebula 6.10."""
    check_name(name, allow_blanks=False)
    group_id = tx.groups.allocate(Group(id=-1, name=name, permissions=0o600))
    join_default(tx, group_id)
    return group_id


def _delete(tx: Transaction, session: Session, group_id: int) -> int:
    group = tx.groups.get(group_id)
    if group_id < _FIRST_OWN:
        raise ActionError(f"Cannot delete group. System group {group_id} cannot be deleted.", group_id)
    if group.user_ids:
        raise ActionError(f"Cannot delete group. Group {group_id} is not empty.", group_id)
    forget_group(tx, group_id)
    tx.groups.drop(group_id)
    drop_rules_of(tx, acl.GROUP, group_id)
    return group_id


def _admin_rules(group_id: int, user_id: int) -> Iterable[AclRule]:
    """Return the rules that make a user an admin of a group. Source: OpenNebula 6.10, Group."""
    for resource in (
        f"USER/@{group_id} USE+MANAGE+ADMIN+CREATE",
        f"VM+NET+IMAGE+TEMPLATE+DOCUMENT+SECGROUP+VROUTER+VMGROUP+BACKUPJOB/@{group_id} USE+MANAGE",
        "VROUTER/* CREATE",
        f"GROUP/#{group_id} MANAGE",
    ):
        yield parse_rule(f"#{user_id} {resource} *")


def _add_admin(tx: Transaction, session: Session, group_id: int, user_id: int) -> int:
    group = tx.groups.get(group_id)
    tx.users.get(user_id)
    if user_id not in group.user_ids:
        raise ActionError(f"User {user_id} is not part of Group {group_id}.", group_id)
    if user_id in group.admin_ids:
        raise ActionError(f"User {user_id} is already an administrator of Group {group_id}.", group_id)
    make_admin(tx, group_id, user_id)
    return group_id


def make_admin(tx: Transaction, group_id: int, user_id: int) -> None:
    """Make a member of a group one of its admins."""
    group = tx.groups.get(group_id)
    for rule in _admin_rules(group_id, user_id):
        ensure_rule(tx, rule)
    group.admin_ids.append(user_id)
    tx.groups.save(group)


def _drop_admin(tx: Transaction, session: Session, group_id: int, user_id: int) -> int:
    group = tx.groups.get(group_id)
    if user_id not in group.admin_ids:
        raise ActionError(f"User {user_id} is not an administrator of Group {group_id}.", group_id)
    group.admin_ids.remove(user_id)
    tx.groups.save(group)
    end_admin(tx, group_id, user_id)
    return group_id


def end_admin(tx: Transaction, group_id: int, user_id: int) -> None:
    """Take the rules of a group's admin back, if he was one."""
    still_somewhere = tx.one(
        "SELECT 1 FROM user_group WHERE user_id = ? AND group_id <> ? AND is_admin", (user_id, group_id)
    )
    for rule in _admin_rules(group_id, user_id):
        if still_somewhere is None or rule.resource & acl.ALL == 0:
            drop_rule(tx, rule)
