"""The API methods of what is not there: empty pools, objects that nobody finds, and errors that say so."""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.contracts.method import Access, Method, Mode, Need, Param, Right, Session
from opennebula_core.db.transaction import Snapshot
from opennebula_core.errors import ActionError, InternalError, NotFoundError
from opennebula_core.managers.absent.catalogue import (
    ADMINISTRATION,
    FEATURES,
    KINDS,
    AbsentFeature,
    AbsentKind,
)


def absent_methods() -> Iterable[Method]:
    """Return a method for each name that clients know and nothing stands behind."""
    for kind in KINDS:
        yield _pool(kind)
        yield _allocate(kind)
        for action in kind.actions:
            yield _on_object(kind, action)
    for feature in FEATURES:
        for action in feature.actions:
            yield _on_feature(feature, action)
    for name, what in ADMINISTRATION.items():
        yield _of_administrators(name, what)


def _pool(kind: AbsentKind) -> Method:
    document = f"&lt;{kind.root}&gt;&lt;/{kind.root}&gt;".encode()

    def listing(tx: Snapshot, session: Session) -> bytes:
        return document

    return Method(
        kind.pool_method, (), Access.LISTING, Mode.POINT, listing, f"List no {kind.title}: there is none."
    )


def _allocate(kind: AbsentKind) -> Method:
    def allocate(tx: Snapshot, session: Session) -> int:
        raise InternalError(
            f"Cannot make a {kind.title}: this release has none; "
            f"install a manager that adds {kind.prefix}.allocate"
        )

    needs = (Need(kind.kind, Right.CREATE),)
    return Method(
        f"{kind.prefix}.allocate", (), needs, Mode.POINT, allocate, f"Refuse to make a {kind.title}."
    )


def _on_object(kind: AbsentKind, action: str) -> Method:
    def find(tx: Snapshot, session: Session, object_id: int) -> int:
        raise NotFoundError(f"Error getting {kind.title} [{object_id}].", object_id)

    return Method(
        f"{kind.prefix}.{action}",
        (Param("id", int),),
        Access.HANDLER,
        Mode.POINT,
        find,
        f"Find no {kind.title}: there is none.",
    )


def _on_feature(feature: AbsentFeature, action: str) -> Method:
    def refuse(tx: Snapshot, session: Session, object_id: int) -> int:
        raise ActionError(f"This release does not have {feature.what}.", object_id)

    needs = (Need(feature.kind, Right.MANAGE, "id"),)
    return Method(
        f"{feature.prefix}.{action}",
        (Param("id", int),),
        needs,
        Mode.POINT,
        refuse,
        f"Refuse: no {feature.what}.",
    )


def _of_administrators(name: str, what: str) -> Method:
    def refuse(tx: Snapshot, session: Session) -> int:
        raise ActionError(f"This release does not have {what}.")

    return Method(name, (), Access.ADMINS, Mode.POINT, refuse, f"Refuse: no {what}.")
