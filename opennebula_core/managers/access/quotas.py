"""The API methods of quotas: of one user or group, and the defaults of those without limits of their own."""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.contracts.method import Access, Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.quotas import DEFAULTS, EXEMPT
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.fragments import element
from opennebula_core.documents.quotas import render_quotas
from opennebula_core.errors import ActionError
from opennebula_core.managers.objects import parse_text
from opennebula_core.model.quotas import Limits, Owner, parse_limits

_KINDS = {Owner.USER: ObjectKind.USER, Owner.GROUP: ObjectKind.GROUP}


def quota_methods() -> Iterable[Method]:
    """Return ``quota`` of users and groups, and the methods of the default quotas."""
    for owner in Owner:
        yield _quota(owner)
        yield _default_info(owner)
        yield _default_update(owner)


def quotas_of(tx: Snapshot, owner: Owner, owner_id: int) -> str:
    """Return the quota elements of one owner, escaped."""
    return render_quotas(tx.quotas.of(owner, owner_id))


def default_quotas(tx: Snapshot, owner: Owner) -> str:
    """Return the quota elements of the defaults, escaped."""
    return render_quotas(tx.quotas.of(owner, DEFAULTS))


def quotas_by_owner(tx: Snapshot, owner: Owner) -> dict[int, str]:
    """Return the quota elements of all owners of a kind that have entries; the defaults by their own id."""
    return {owner_id: render_quotas(found) for owner_id, found in tx.quotas.by_owner(owner).items()}


def _quota(owner: Owner) -> Method:
    kind, word = _KINDS[owner], owner.lower()

    def prepare(owner_id: int, text: str) -> tuple[object, ...]:
        return owner_id, parse_limits(parse_text(text))

    def quota(tx: Transaction, session: Session, owner_id: int, limits: list[Limits]) -> int:
        tx.pool(kind).get(owner_id)
        if owner_id == EXEMPT:
            raise ActionError(f"Cannot set quotas of {word} 0: nothing is counted for it.", owner_id)
        tx.quotas.set_limits(owner, owner_id, limits)
        tx.emit(kind, owner_id, "update")
        return owner_id

    return Method(
        f"one.{word}.quota",
        (Param("id", int), Param("quota", str)),
        (Need(kind, Right.ADMIN, "id"),),
        Mode.WRITE,
        quota,
        f"Set limits of a {word}: each entry that is given replaces the present one.",
        prepare,
    )


def _document(tx: Snapshot, owner: Owner) -> bytes:
    return element(f"DEFAULT_{owner}_QUOTAS", default_quotas(tx, owner)).encode()


def _default_info(owner: Owner) -> Method:
    def info(tx: Snapshot, session: Session) -> bytes:
        return _document(tx, owner)

    word = owner.lower()
    doc = f"Return the limits of {word}s that have none of their own."
    return Method(f"one.{word}quota.info", (), Access.ANYONE, Mode.READ, info, doc)


def _default_update(owner: Owner) -> Method:
    def prepare(text: str) -> tuple[object, ...]:
        return (parse_limits(parse_text(text)),)

    def update(tx: Transaction, session: Session, limits: list[Limits]) -> bytes:
        tx.quotas.set_limits(owner, DEFAULTS, limits)
        return _document(tx, owner)

    word = owner.lower()
    return Method(
        f"one.{word}quota.update",
        (Param("quota", str),),
        Access.ADMINS,
        Mode.WRITE,
        update,
        f"Set the limits of {word}s that have none of their own, and return them.",
        prepare,
    )
