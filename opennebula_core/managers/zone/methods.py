"""The API methods of zones: one zone, this front-end, which stands alone."""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.contracts.method import Access, Method, Mode, Param, Session
from opennebula_core.db.transaction import Snapshot
from opennebula_core.documents.zone import RAFT, render_zone
from opennebula_core.errors import NotFoundError
from opennebula_core.managers.core import Core

ZONE_ID, ZONE_NAME = 0, "OpenNebula"


def zone_methods(core: Core) -> Iterable[Method]:
    """Return what clients ask of zones."""
    endpoint = core.config.endpoint

    def info(tx: Snapshot, session: Session, zone_id: int, decrypt: bool) -> bytes:
        if zone_id != ZONE_ID:
            raise NotFoundError(f"Error getting zone [{zone_id}].", zone_id)
        return render_zone(ZONE_ID, ZONE_NAME, endpoint).encode()

    def pool(tx: Snapshot, session: Session) -> bytes:
        return f"&lt;ZONE_POOL&gt;{render_zone(ZONE_ID, ZONE_NAME, endpoint)}&lt;/ZONE_POOL&gt;".encode()

    def raft(tx: Snapshot, session: Session) -> bytes:
        return RAFT.encode()

    zone = (Param("id", int), Param("decrypt", bool, False))
    yield Method("one.zone.info", zone, Access.ANYONE, Mode.POINT, info, "Return a zone.")
    yield Method("one.zonepool.info", (), Access.ANYONE, Mode.POINT, pool, "List the zones.")
    yield Method(
        "one.zone.raftstatus", (), Access.ANYONE, Mode.POINT, raft, "Return the state of replication."
    )
