"""The API methods of access rules."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from opennebula_core.contracts.method import Access, Method, Mode, ObjectKind, Param, Session
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.acl import render_acl_pool
from opennebula_core.errors import InternalError
from opennebula_core.model.acl import check_rule, parse_hexadecimal, render_rule
from opennebula_core.model.objects import AclRule

ACL = ObjectKind.ACL


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
            (rule_id, rule.user, rule.resource, rule.rights, rule.zone),
        )
    except sqlite3.IntegrityError:
        raise InternalError(f"Rule {render_rule(rule)} already exists") from None
    tx.emit(ACL, rule_id, "allocate")
    return rule_id


def _delete(tx: Transaction, session: Session, rule_id: int) -> int:
    if not tx.execute("DELETE FROM acl WHERE id = ?", (rule_id,)):
        raise InternalError(f"Rule {rule_id} does not exist", rule_id)
    tx.emit(ACL, rule_id, "delete")
    return rule_id
