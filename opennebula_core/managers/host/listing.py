"""Host documents put together for answers: with the VMs on the hosts, and the newest figures."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from opennebula_core.contracts.method import ObjectKind, Session
from opennebula_core.db.listing import ALL, Selection, select_pool
from opennebula_core.db.pools.host import DocumentParts
from opennebula_core.db.transaction import Snapshot
from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.host import splice_host
from opennebula_core.errors import NotFoundError
from opennebula_core.managers.monitoring import MonitoringCache

_START, _END = escape_document("<HOST_POOL>").encode(), escape_document("</HOST_POOL>").encode()


class HostListing:
    """Answers of ``one.host.info`` and the pool listing."""

    def __init__(self, cache: MonitoringCache) -> None:
        self._cache = cache

    def info(self, tx: Snapshot, host_id: int) -> bytes:
        """Return one host."""
        found = tx.hosts.document_parts(Selection("id = ?", (host_id,)))
        if not found:
            raise NotFoundError(f"Error getting host [{host_id}].", host_id)
        vm_ids = ",".join(map(str, tx.hosts.vm_ids(host_id)))
        return b"".join(self._splice(found[0], vm_ids.encode()))

    def pool(self, tx: Snapshot, session: Session) -> bytes:
        """Return the hosts that the caller may use, newest first."""
        found = tx.hosts.document_parts(select_pool(ObjectKind.HOST, session, tx.acl_rules(), ALL))
        vm_ids = tx.hosts.vm_ids_by_host()
        hosts = (self._splice(parts, vm_ids.get(parts[0][0], b"")) for parts in found)
        return b"".join((_START, *chain.from_iterable(hosts), _END))

    def _splice(self, parts: DocumentParts, vm_ids: bytes) -> Iterable[bytes]:
        identity, share, fragment = parts
        return splice_host(
            identity, share, fragment, vm_ids, self._cache.of(ObjectKind.HOST, identity[0]).figures
        )
