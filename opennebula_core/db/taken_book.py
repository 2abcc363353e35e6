"""What objects take more and less of quotas in the jobs of one commit, summed up before it is written.

A commit carries many jobs whose VMs are alike: their sums cost one statement, not one a job. The sums are
part of the same transaction as what they count; whoever asks the tables for them settles the book before.
"""

from __future__ import annotations

from opennebula_core.model.takings import Taken

Sums = dict[Taken, int]


class TakenBook:
    """How many times each thing is taken more than the tables say; negative when less."""

    def __init__(self) -> None:
        self._group: Sums = {}
        self._job: Sums = {}
        self._settled: Sums | None = None

    def __bool__(self) -> bool:
        return bool(self._group or self._job)

    def note(self, before: Taken | None, after: Taken | None) -> None:
        """Note that an object takes something else now."""
        if before is not None:
            self._job[before] = self._job.get(before, 0) - 1
        if after is not None:
            self._job[after] = self._job.get(after, 0) + 1

    def keep_job(self) -> None:
        """Note that the job's changes stay."""
        self._settled = None
        if self._job:
            _add_up(self._group, self._job)
            self._job = {}

    def undo_job(self) -> None:
        """Forget the job's changes; what it had settled for earlier ones has been undone with them."""
        self._job = {}
        if self._settled is not None:
            self._group, self._settled = self._settled, None

    def forget(self) -> None:
        """Begin a commit: the last one wrote all there was, or was undone as a whole."""
        self._group, self._job, self._settled = {}, {}, None

    def settle(self) -> Sums:
        """Return what is open, for the caller to write at once."""
        if self._settled is None:
            self._settled = dict(self._group)
        _add_up(self._group, self._job)
        open_sums, self._group, self._job = self._group, {}, {}
        return open_sums


def _add_up(sums: Sums, more: Sums) -> None:
    for taken, times in more.items():
        sums[taken] = sums.get(taken, 0) + times
