"""Listings of pools whose documents are put together on reading, and info of one object."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from opennebula_core.contracts.method import Access, Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.listing import ALL, select_pool
from opennebula_core.db.transaction import Snapshot
from opennebula_core.model.objects import PoolObject

T = TypeVar("T", bound=PoolObject)
Render = Callable[[Snapshot, Any], str]
RenderMany = Callable[[Snapshot, Iterable[Any]], Iterable[str]]

FILTERS = (Param("filter", int, ALL), Param("start", int, -1), Param("end", int, -1))


def info_method(prefix: str, kind: ObjectKind, render: Render, *extra: Param) -> Method:
    """Return ``info`` of a kind.

    :param render: gives the escaped document of one object
    """

    def info(tx: Snapshot, session: Session, object_id: int, *rest: object) -> bytes:
        return render(tx, tx.pool(kind).get(object_id)).encode()

    return Method(
        f"{prefix}.info",
        (Param("id", int), *extra, Param("decrypt", bool, False)),
        (Need(kind, Right.USE, "id"),),
        Mode.POINT,
        info,
        "Return the object.",
    )


def pool_method(
    name: str, kind: ObjectKind, root: str, render: RenderMany, params: tuple[Param, ...] = FILTERS
) -> Method:
    """Return ``info`` of a kind's pool; a pool that takes no filter lists all that the caller may use.

    :param render: gives the escaped documents of many objects, with as few queries as it can
    """

    def pool(tx: Snapshot, session: Session, *given: int) -> bytes:
        flag, start, end = given if given else (ALL, -1, -1)
        selection = select_pool(kind, session, tx.acl_rules(), flag, start, end)
        found = tx.pool(kind).where(selection.sql, selection.parameters)
        parts = [f"&lt;{root}&gt;", *render(tx, found), f"&lt;/{root}&gt;"]
        return "".join(parts).encode()

    return Method(name, params, Access.LISTING, Mode.READ, pool, "List the objects that the caller may use.")
