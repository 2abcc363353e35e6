"""The newest figures of hosts and VMs, in memory; the series go to the store in batches.

A flood of reports costs memory and one commit a batch; it never touches the rows that deployments write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.connection import Writer
from opennebula_core.documents.escape import escape_document


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at an object, as its document shows it: escaped, in UTF-8.

    :param last_poll: the LAST_POLL element, which VMs have
    :param figures: the MONITORING element
    """

    last_poll: bytes
    figures: bytes


NO_SAMPLE: Final = Sample(
    escape_document("<LAST_POLL>0</LAST_POLL>").encode(),
    escape_document("<MONITORING></MONITORING>").encode(),
)
"""What a document shows of an object that nobody has looked at yet."""


@dataclass(slots=True)
class MonitoringCache:
    """The newest sample of each host and VM, and what is not yet in the series."""

    _newest: dict[ObjectKind, dict[int, Sample]] = field(
        default_factory=lambda: {ObjectKind.HOST: {}, ObjectKind.VM: {}}
    )
    pending: list[tuple[str, int, int, str]] = field(default_factory=list)

    def put(self, kind: ObjectKind, object_id: int, time: int, document: str) -> None:
        """Keep a sample.

        :param document: the MONITORING element, plain
        """
        last_poll = escape_document(f"<LAST_POLL>{time}</LAST_POLL>")
        self._newest[kind][object_id] = Sample(last_poll.encode(), escape_document(document).encode())
        self.pending.append((kind.value, object_id, time, document))

    def of(self, kind: ObjectKind, object_id: int) -> Sample:
        """Return the newest sample, :data:`NO_SAMPLE` when there is none."""
        return self._newest[kind].get(object_id, NO_SAMPLE)

    def all_of(self, kind: ObjectKind) -> Mapping[int, Sample]:
        """Return the newest samples of a kind by id; the mapping goes on changing."""
        return self._newest[kind]

    def forget(self, kind: ObjectKind, object_id: int) -> None:
        """Drop what is known of an object that is gone."""
        self._newest[kind].pop(object_id, None)

    def take_pending(self) -> list[tuple[str, int, int, str]]:
        """Return the samples that the series does not have yet, and forget them here."""
        taken, self.pending = self.pending, []
        return taken


def write_series(writer: Writer, samples: Iterable[tuple[str, int, int, str]], keep_after: int) -> None:
    """Add samples to the series and drop those older than ``keep_after``."""
    writer.execute_many("INSERT OR REPLACE INTO monitoring VALUES (?, ?, ?, ?)", samples)
    writer.execute("DELETE FROM monitoring WHERE time < ?", (keep_after,))
