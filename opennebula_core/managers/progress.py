"""How far the long action is that a driver carries out for an object: for those who wait for it."""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Snapshot
from opennebula_core.documents.escape import escape_document
from opennebula_core.managers.core import Core


def progress_method(core: Core, prefix: str, kind: ObjectKind, driver_kinds: Iterable[str]) -> Method:
    """Return ``progress`` of a kind; DONE and TOTAL are 0 when nothing is under way that reports.

    :param driver_kinds: the kinds of drivers that work for such objects
    """
    drivers = tuple(driver_kinds)

    def progress(tx: Snapshot, session: Session, object_id: int) -> bytes:
        found = (core.progress.get((driver, object_id)) for driver in drivers)
        done, total = next((pair for pair in found if pair is not None), (0, 0))
        text = f"<PROGRESS><ID>{object_id}</ID><DONE>{done}</DONE><TOTAL>{total}</TOTAL></PROGRESS>"
        return escape_document(text).encode()

    return Method(
        f"{prefix}.progress",
        (Param("id", int),),
        (Need(kind, Right.USE, "id"),),
        Mode.POINT,
        progress,
        "Return how far a transfer for the object is, in the driver's unit.",
    )
