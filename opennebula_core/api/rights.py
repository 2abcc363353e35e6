"""What a method's declaration asks of its caller, checked."""

from __future__ import annotations

from collections.abc import Sequence

from opennebula_core.api.methods import Entry, RightRule
from opennebula_core.contracts.method import Access, Session
from opennebula_core.db.transaction import Snapshot
from opennebula_core.errors import AuthorizationError
from opennebula_core.managers.rights import require, require_on_pool


def authorise(snapshot: Snapshot, session: Session, entry: Entry, params: Sequence[object]) -> None:
    """Check everything that the method's declaration asks for.

    :raises NotFoundError: an object does not exist
    :raises AuthorizationError: the caller lacks a right, or an object is locked
    """
    if entry.method.needs is Access.ADMINS and not session.is_admin:
        raise AuthorizationError(
            f"User [{session.user_id}] : Not authorized, only members of the group oneadmin may call this."
        )
    for rule in entry.rights:
        if rule.position is None:
            require_on_pool(snapshot, session, rule.need.kind, rule.need.right)
        else:
            value = params[rule.position]
            for object_id in value if isinstance(value, list) else (value,):
                _require(snapshot, session, rule, object_id)


def _require(snapshot: Snapshot, session: Session, rule: RightRule, object_id: object) -> None:
    need = rule.need
    if not isinstance(object_id, int):
        raise TypeError(f"the right {need} is about a parameter that is no id")
    if need.optional_below is not None and object_id < need.optional_below:
        return
    require(snapshot, session, need.kind, need.right, object_id, heeds_lock=rule.heeds_lock)
