"""The series of measured figures of VMs and hosts: of one, and of all (``one.vmpool.monitoring`` ...)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opennebula_core.contracts.method import Access, Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.listing import ALL, Selection, select_pool
from opennebula_core.db.transaction import Snapshot
from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import element
from opennebula_core.documents.monitoring import render_monitoring_data
from opennebula_core.errors import ParameterError
from opennebula_core.managers.core import Core
from opennebula_core.managers.monitoring import NO_SAMPLE, MonitoringCache

EVERYTHING, NEWEST = -1, 0
_SERIES = "SELECT document FROM monitoring WHERE kind = ? AND time >= ? AND object_id IN (%s)"
_LAST = "SELECT object_id, document, MAX(time) FROM monitoring WHERE kind = ? AND object_id IN (%s)"


def series_methods(core: Core) -> Iterable[Method]:
    """Return the methods that list the figures of one object, and of all objects of a kind."""

    def of_vms(tx: Snapshot, session: Session, flag: int, seconds: int) -> bytes:
        selection = select_pool(ObjectKind.VM, session, tx.acl_rules(), flag).and_("state <> 6")  # DONE
        return _document(tx, core.monitoring, ObjectKind.VM, selection, seconds)

    def of_hosts(tx: Snapshot, session: Session, seconds: int) -> bytes:
        selection = select_pool(ObjectKind.HOST, session, tx.acl_rules(), ALL)
        return _document(tx, core.monitoring, ObjectKind.HOST, selection, seconds)

    yield _of_one("one.vm", ObjectKind.VM)
    yield _of_one("one.host", ObjectKind.HOST)
    period = Param("seconds", int, EVERYTHING)
    yield Method(
        "one.vmpool.monitoring",
        (Param("filter", int), period),
        Access.LISTING,
        Mode.READ,
        of_vms,
        "Return the figures of VMs that are kept (-1), of the last seconds, or the newest of each (0).",
    )
    yield Method(
        "one.hostpool.monitoring",
        (period,),
        Access.LISTING,
        Mode.READ,
        of_hosts,
        "Return the figures of hosts that are kept (-1), of the last seconds, or the newest of each (0).",
    )


def _of_one(prefix: str, kind: ObjectKind) -> Method:
    def monitoring(tx: Snapshot, session: Session, object_id: int) -> bytes:
        rows = tx.query(_SERIES % "?" + " ORDER BY time", (kind.value, 0, object_id))
        return render_monitoring_data(row[0] for row in rows).encode()

    return Method(
        f"{prefix}.monitoring",
        (Param("id", int),),
        (Need(kind, Right.USE, "id"),),
        Mode.READ,
        monitoring,
        "Return the figures of the object that are kept.",
    )


def _document(
    tx: Snapshot, cache: MonitoringCache, kind: ObjectKind, selection: Selection, seconds: int
) -> bytes:
    if seconds < EVERYTHING:
        raise ParameterError(f"Wrong period {seconds}; use seconds, -1 for all, or 0 for the newest figures")
    found = f"SELECT id FROM {kind.value.lower()} WHERE {selection.condition}"
    if seconds == NEWEST:
        return element("MONITORING_DATA", "".join(_newest(tx, cache, kind, found, selection))).encode()
    since = 0 if seconds == EVERYTHING else tx.now - seconds
    rows = tx.query(_SERIES % found + " ORDER BY object_id, time", (kind.value, since, *selection.parameters))
    return render_monitoring_data(row[0] for row in rows).encode()


def _newest(
    tx: Snapshot, cache: MonitoringCache, kind: ObjectKind, found: str, selection: Selection
) -> Iterator[str]:
    """Yield the newest figures of each object, escaped; after a restart those of the series at first."""
    rows = tx.query(_LAST % found + " GROUP BY object_id", (kind.value, *selection.parameters))
    kept = {object_id: document for object_id, document, _ in rows}
    for (object_id,) in tx.query(f"{found} ORDER BY id", selection.parameters):
        sample = cache.of(kind, object_id)
        if sample is not NO_SAMPLE:
            yield sample.figures.decode()
        elif object_id in kept:
            yield escape_document(kept[object_id])
