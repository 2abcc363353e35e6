"""The short documents of VMs, kept in memory by the revision of the row that they were rendered for.

A listing asks the database which VMs there are and at which revision, in the narrow index ``vm_listing``;
only documents of revisions that are not in memory are read. A row's revision grows with each change of the
row in the same statement, so what a snapshot shows is what its listing shows: there is nothing to invalidate.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.connection import Change
from opennebula_core.db.transaction import Snapshot
from opennebula_core.managers.monitoring import NO_SAMPLE, Sample

MAX_BYTES: Final = 64 << 20
"""Kept at most: some 60,000 VMs. Beyond that, those read first are read anew."""

Parts = tuple[int, bytes, bytes, bytes]
"""A revision, and what stands before, between and behind LAST_POLL and MONITORING."""

_NONE: Final[Parts] = (-1, b"", b"", b"")
_OVERHEAD_BYTES: Final = 300
"""What an entry takes beside its texts."""
_PARTS: Final = (
    "revision, CAST(doc_short_head AS BLOB), CAST(doc_short_middle AS BLOB), CAST(doc_short_tail AS BLOB)"
)
_READ: Final = f"SELECT id, {_PARTS} FROM vm WHERE id IN (SELECT value FROM json_each(?))"


class ShortDocuments:
    """Documents of ``one.vmpool.info``; readers of several threads share them.

    :param max_bytes: bound of what is kept
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._held: dict[int, Parts] = {}
        self._changing = threading.Lock()

    def __len__(self) -> int:
        """Return of how many VMs documents are kept."""
        return len(self._held)

    def splice(
        self, tx: Snapshot, found: Sequence[tuple[int, int]], samples: Mapping[int, Sample]
    ) -> list[bytes]:
        """Return the documents of VMs one after the other, in pieces to be joined.

        :param found: ids and revisions that the snapshot shows
        :param samples: the newest figures by the VM's id
        """
        get = self._held.get
        # Each is looked up once: another reader may put the document of another revision there at any time.
        parts = [get(vm_id, _NONE) for vm_id, _ in found]
        missing = [vm_id for (vm_id, revision), part in zip(found, parts, strict=True) if part[0] != revision]
        if missing:
            read = self._read(tx, missing)
            parts = [read.get(vm_id, part) for (vm_id, _), part in zip(found, parts, strict=True)]
        pieces: list[bytes] = []
        add = pieces.extend
        for (vm_id, _), (_, head, middle, tail) in zip(found, parts, strict=True):
            sample = samples.get(vm_id, NO_SAMPLE)
            add((head, sample.last_poll, middle, sample.figures, tail))
        return pieces

    def forget(self, changes: Iterable[Change]) -> None:
        """Drop the documents of VMs that came to their end; called after each commit."""
        for change in changes:
            if change.kind is ObjectKind.VM and change.event.startswith(("state DONE", "delete")):
                with self._changing:
                    self._drop(change.object_id)

    def _read(self, tx: Snapshot, ids: Sequence[int]) -> dict[int, Parts]:
        read: dict[int, Parts] = {row[0]: row[1:] for row in tx.connection.execute(_READ, (json.dumps(ids),))}
        with self._changing:
            for vm_id, parts in read.items():
                self._drop(vm_id)
                self._held[vm_id] = parts
                self._bytes += _size(parts)
            while self._bytes > self._max_bytes:
                self._drop(next(iter(self._held)))
        return read

    def _drop(self, vm_id: int) -> None:
        dropped = self._held.pop(vm_id, None)
        if dropped is not None:
            self._bytes -= _size(dropped)


def _size(parts: Parts) -> int:
    _, head, middle, tail = parts
    return len(head) + len(middle) + len(tail) + _OVERHEAD_BYTES
