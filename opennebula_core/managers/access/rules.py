"""The API methods of access rules."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from opennebula_core.contracts.method import Access, Method, Mode, ObjectKind, Param, Session
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.acl import render_acl_pool
from opennebula_core.errors import InternalError
from opennebula_core.model import acl
from opennebula_core.model.acl import check_rule, parse_hexadecimal, render_rule
from opennebula_core.model.objects import AclRule

ACL = ObjectKind.ACL
_SAME = "user = ? AND resource = ? AND rights = ? AND zone = ?"


def acl_methods() -> Iterable[Method]:
    """Return all methods of access rules."""
    yield Method("one.acl.info", (), Access.ADMINS, Mode.READ, _info, "List all access rules.")
    numbers = tuple(Param(name, str) for name in ("user", "resource", "rights"))
    yield Method(
        "one.acl.addrule",
        (*numbers, Param("zone", str, "")),
        Access.ADMINS,
        Mode.WRITE,
        _add,
        "Add a rule, given as hexadecimal numbers.",
    )
    yield Method("one.acl.delrule", (Param("id", int),), Access.ADMINS, Mode.WRITE, _delete, "Remove a rule.")


def _info(tx: Snapshot, session: Session) -> bytes:
    return render_acl_pool(tx.acl_rules()).encode()


def _add(tx: Transaction, session: Session, user: str, resource: str, rights: str, zone: str) -> int:
    return add_rule(tx, parse_hexadecimal(user, resource, rights, zone))


def add_rule(tx: Transaction, rule: AclRule) -> int:
    """Add a rule and return its id.

    :raises InternalError: it is malformed or exists already
    """
    check_rule(rule)
    rule_id = tx.next_id("acl")
    try:
        tx.execute(
            "INSERT INTO acl VALUES (?, ?, ?, ?, ?)",
            (rule_id, *_values(rule)),
        )
    except sqlite3.IntegrityError:
        raise InternalError(f"Rule {render_rule(rule)} already exists") from None
    tx.emit(ACL, rule_id, "allocate")
    return rule_id


def ensure_rule(tx: Transaction, rule: AclRule) -> None:
    """Add a rule that need not be new."""
    if tx.one(f"SELECT 1 FROM acl WHERE {_SAME}", _values(rule)) is None:
        add_rule(tx, rule)


def drop_rule(tx: Transaction, rule: AclRule) -> None:
    """Remove a rule, if it is there."""
    _tell_of_deleted(tx, tx.query(f"DELETE FROM acl WHERE {_SAME} RETURNING id", _values(rule)))


def drop_rules_of(tx: Transaction, selector: int, number: int) -> None:
    """Remove the rules for a user or group that is gone, and those on a group's objects.

    :param selector: :data:`acl.INDIVIDUAL` for a user, :data:`acl.GROUP` for a group
    """
    gone = tx.query("DELETE FROM acl WHERE user = ? RETURNING id", (selector | number,))
    if selector == acl.GROUP:
        gone += tx.query(
            "DELETE FROM acl WHERE resource & ? = ? RETURNING id", (selector | acl.ID_MASK, selector | number)
        )
    _tell_of_deleted(tx, gone)


def _values(rule: AclRule) -> tuple[int, ...]:
    return rule.user, rule.resource, rule.rights, rule.zone


def _tell_of_deleted(tx: Transaction, rows: Iterable[tuple[int, ...]]) -> None:
    for (rule_id,) in rows:
        tx.emit(ACL, rule_id, "delete")


def _delete(tx: Transaction, session: Session, rule_id: int) -> int:
    if not tx.execute("DELETE FROM acl WHERE id = ?", (rule_id,)):
        raise InternalError(f"Rule {rule_id} does not exist", rule_id)
    tx.emit(ACL, rule_id, "delete")
    return rule_id
