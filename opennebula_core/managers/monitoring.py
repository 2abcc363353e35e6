"""The newest figures of hosts and VMs, in memory; the series go to the store in batches.

A flood of reports costs memory and one commit a batch; it never touches the rows that deployments write.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.connection import Writer
from opennebula_core.documents.escape import escape_document


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at an object: its MONITORING element, plain and escaped for an answer."""

    time: int
    document: str
    escaped: str


@dataclass(slots=True)
class MonitoringCache:
    """The newest sample of each host and VM, and what is not yet in the series."""

    newest: dict[tuple[ObjectKind, int], Sample] = field(default_factory=dict)
    pending: list[tuple[str, int, int, str]] = field(default_factory=list)

    def put(self, kind: ObjectKind, object_id: int, time: int, document: str) -> None:
        """Keep a sample."""
        self.newest[kind, object_id] = Sample(time, document, escape_document(document))
        self.pending.append((kind.value, object_id, time, document))

    def of(self, kind: ObjectKind, object_id: int) -> Sample | None:
        """Return the newest sample."""
        return self.newest.get((kind, object_id))

    def forget(self, kind: ObjectKind, object_id: int) -> None:
        """Drop what is known of an object that is gone."""
        self.newest.pop((kind, object_id), None)

    def take_pending(self) -> list[tuple[str, int, int, str]]:
        """Return the samples that the series does not have yet, and forget them here."""
        taken, self.pending = self.pending, []
        return taken


def write_series(writer: Writer, samples: Iterable[tuple[str, int, int, str]], keep_after: int) -> None:
    """Add samples to the series and drop those older than ``keep_after``."""
    writer.execute_many("INSERT OR REPLACE INTO monitoring VALUES (?, ?, ?, ?)", samples)
    writer.execute("DELETE FROM monitoring WHERE time < ?", (keep_after,))
