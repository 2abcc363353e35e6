"""VM documents put together for answers: what the row keeps rendered, with the newest figures spliced in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opennebula_core.contracts.method import ObjectKind, Session
from opennebula_core.db.listing import Selection, select_pool
from opennebula_core.db.transaction import Snapshot
from opennebula_core.errors import NotFoundError, ParameterError
from opennebula_core.managers.monitoring import MonitoringCache, Sample
from opennebula_core.model.states import VmState

_INFO = "SELECT id, doc_head, doc_middle, doc_tail FROM vm WHERE id = ?"
_EXTENDED = "SELECT id, doc_head, doc_middle, COALESCE(doc_extended_tail, doc_tail) FROM vm WHERE "
_SHORT = "SELECT id, doc_short_head, doc_short_middle, doc_short_tail FROM vm WHERE "

ANY_STATE, NOT_DONE = -2, -1
_HIGHEST_STATE = 11

_NEVER_POLLED = "&lt;LAST_POLL&gt;0&lt;/LAST_POLL&gt;"
_NO_FIGURES = "&lt;MONITORING&gt;&lt;/MONITORING&gt;"

# Bytes, put together by the database: nothing of it is decoded and encoded again.
_WHOLE = "SELECT CAST({head} || '{polled}' || {middle} || '{figures}' || {tail} AS BLOB) FROM vm WHERE "
_SHORT_WHOLE = _WHOLE.format(
    head="doc_short_head",
    polled=_NEVER_POLLED,
    middle="doc_short_middle",
    figures=_NO_FIGURES,
    tail="doc_short_tail",
)
_EXTENDED_WHOLE = _WHOLE.format(
    head="doc_head",
    polled=_NEVER_POLLED,
    middle="doc_middle",
    figures=_NO_FIGURES,
    tail="COALESCE(doc_extended_tail, doc_tail)",
)


class VmListing:
    """Answers of ``one.vm.info`` and the pool listings."""

    def __init__(self, cache: MonitoringCache) -> None:
        self._cache = cache

    def info(self, tx: Snapshot, vm_id: int) -> bytes:
        """Return one VM, with all its history."""
        row = tx.one(_INFO, (vm_id,))
        if row is None:
            raise NotFoundError(f"Error getting virtual machine [{vm_id}].", vm_id)
        return self._splice(row).encode()

    def pool(
        self, tx: Snapshot, session: Session, flag: int, start: int, end: int, state: int, *, extended: bool
    ) -> bytes:
        """Return the VMs that a filter selects.

        :param state: -2 any, -1 all but DONE, else that state
        """
        selection = select_pool(ObjectKind.VM, session, tx.acl_rules(), flag, start, end)
        return self._document(tx, _with_state(selection, state), extended=extended)

    def some(self, tx: Snapshot, session: Session, ids: Iterable[int], *, extended: bool) -> bytes:
        """Return the VMs with these ids that exist and that the caller may use."""
        wanted = sorted(set(ids))
        selection = select_pool(ObjectKind.VM, session, tx.acl_rules(), -2)
        marks = ",".join("?" * len(wanted))
        return self._document(tx, selection.and_(f"id IN ({marks})", *wanted), extended=extended)

    def _document(self, tx: Snapshot, selection: Selection, *, extended: bool) -> bytes:
        if not self._cache.newest:
            whole = _EXTENDED_WHOLE if extended else _SHORT_WHOLE
            vms = tx.connection.execute(whole + selection.sql, selection.parameters)
            return b"".join((b"&lt;VM_POOL&gt;", *(vm for (vm,) in vms), b"&lt;/VM_POOL&gt;"))
        rows = tx.connection.execute(
            (_EXTENDED if extended else _SHORT) + selection.sql, selection.parameters
        )
        return "".join(("&lt;VM_POOL&gt;", *map(self._splice, rows), "&lt;/VM_POOL&gt;")).encode()

    def _splice(self, row: tuple[Any, ...]) -> str:
        vm_id, head, middle, tail = row
        sample: Sample | None = self._cache.newest.get((ObjectKind.VM, vm_id))
        if sample is None:
            return f"{head}{_NEVER_POLLED}{middle}{_NO_FIGURES}{tail}"
        return f"{head}&lt;LAST_POLL&gt;{sample.time}&lt;/LAST_POLL&gt;{middle}{sample.escaped}{tail}"


def _with_state(selection: Selection, state: int) -> Selection:
    if not ANY_STATE <= state <= _HIGHEST_STATE:
        raise ParameterError("Incorrect filter_flag, state")
    if state == ANY_STATE:
        return selection
    if state == NOT_DONE:
        return selection.and_("state <> ?", int(VmState.DONE))
    return selection.and_("state = ?", state)
