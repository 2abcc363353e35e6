"""VM documents put together for answers: what the row keeps rendered, with the newest figures spliced in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import chain
from typing import Any

from opennebula_core.contracts.method import ObjectKind, Session
from opennebula_core.db.listing import Selection, select_pool
from opennebula_core.db.transaction import Snapshot
from opennebula_core.documents.escape import escape_document
from opennebula_core.errors import NotFoundError, ParameterError
from opennebula_core.managers.monitoring import NO_SAMPLE, MonitoringCache
from opennebula_core.managers.vm.search import searched
from opennebula_core.managers.vm.short_documents import ShortDocuments
from opennebula_core.model.states import VmState

# Bytes throughout: nothing of a document is decoded and encoded again.
_PARTS = "SELECT id, CAST({} AS BLOB), CAST({} AS BLOB), CAST({} AS BLOB) FROM vm WHERE "
_INFO = _PARTS.format("doc_head", "doc_middle", "doc_tail") + "id = ?"
_EXTENDED = _PARTS.format("doc_head", "doc_middle", "COALESCE(doc_extended_tail, doc_tail)")
_REVISIONS = "SELECT id, revision FROM vm {} WHERE "

ANY_STATE, NOT_DONE = -2, -1
_HIGHEST_STATE = 11
_IS_NOT_DONE = f"state <> {VmState.DONE:d}"
"""Written as the index has it, for the database to see that the index may be used."""
_FROM_INDEX = "INDEXED BY vm_listing"
_START, _END = escape_document("<VM_POOL>").encode(), escape_document("</VM_POOL>").encode()


class VmListing:
    """Answers of ``one.vm.info`` and the pool listings."""

    def __init__(self, cache: MonitoringCache, documents: ShortDocuments) -> None:
        self._samples = cache.all_of(ObjectKind.VM)
        self._documents = documents

    def info(self, tx: Snapshot, vm_id: int) -> bytes:
        """Return one VM, with all its history."""
        row = tx.one(_INFO, (vm_id,))
        if row is None:
            raise NotFoundError(f"Error getting virtual machine [{vm_id}].", vm_id)
        return b"".join(self._splice(row))

    def pool(
        self,
        tx: Snapshot,
        session: Session,
        flag: int,
        start: int,
        end: int,
        state: int,
        query: str,
        *,
        extended: bool,
    ) -> bytes:
        """Return the VMs that a filter selects.

        :param state: -2 any, -1 all but DONE, else that state
        :param query: what the VMs hold, see :mod:`.search`
        """
        selection = select_pool(ObjectKind.VM, session, tx.acl_rules(), flag, start, end)
        index = _FROM_INDEX if state == NOT_DONE else ""
        selection = searched(_with_state(selection, state), query)
        return self._document(tx, selection, extended=extended, index=index)

    def some(self, tx: Snapshot, session: Session, ids: Iterable[int], *, extended: bool) -> bytes:
        """Return the VMs with these ids that exist and that the caller may use."""
        selection = select_pool(ObjectKind.VM, session, tx.acl_rules(), -2)
        # As one value: a statement takes far fewer parameters than a client may name ids.
        wanted = selection.and_("id IN (SELECT value FROM json_each(?))", json.dumps(sorted(set(ids))))
        return self._document(tx, wanted, extended=extended)

    def _document(self, tx: Snapshot, selection: Selection, *, extended: bool, index: str = "") -> bytes:
        if extended:
            rows = tx.connection.execute(_EXTENDED + selection.sql, selection.parameters)
            pieces: Iterable[bytes] = chain.from_iterable(map(self._splice, rows))
        else:
            found = tx.query(_REVISIONS.format(index) + selection.sql, selection.parameters)
            pieces = self._documents.splice(tx, found, self._samples)
        return b"".join((_START, *pieces, _END))

    def _splice(self, row: tuple[Any, ...]) -> tuple[bytes, ...]:
        vm_id, head, middle, tail = row
        sample = self._samples.get(vm_id, NO_SAMPLE)
        return head, sample.last_poll, middle, sample.figures, tail


def _with_state(selection: Selection, state: int) -> Selection:
    if not ANY_STATE <= state <= _HIGHEST_STATE:
        raise ParameterError("Incorrect filter_flag, state")
    if state == ANY_STATE:
        return selection
    if state == NOT_DONE:
        return selection.and_(_IS_NOT_DONE)
    if state == VmState.DONE:
        return selection.and_("state = ?", state)
    return selection.and_(f"state = ? AND {_IS_NOT_DONE}", state)
