"""How far a copy is, told now and then, and how fast it may go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

TELL_PERIOD_S = 0.3


class Meter:
    """Counts the bytes of a copy.

    :param total: bytes in all, as far as that is known beforehand
    :param bandwidth_bytes_per_s: 0: as fast as it goes
    """

    def __init__(
        self, total: int, tell: Callable[[int, int], None] | None, bandwidth_bytes_per_s: int = 0
    ) -> None:
        self._total = total
        self._tell = tell
        self._bandwidth = bandwidth_bytes_per_s
        self._done = 0
        self._begun_at = self._told_at = time.monotonic()

    async def advance(self, count: int) -> None:
        """Count ``count`` more bytes; waits when they came faster than they may."""
        self.reach(self._done + count)
        if self._bandwidth:
            due_at = self._begun_at + self._done / self._bandwidth
            await asyncio.sleep(max(0.0, due_at - time.monotonic()))

    def reach(self, done: int) -> None:
        """Say that ``done`` bytes are done in all."""
        self._done = done
        now = time.monotonic()
        if self._tell is not None and now - self._told_at >= TELL_PERIOD_S:
            self._told_at = now
            self._tell(min(done, self._total), self._total)

    def finish(self) -> None:
        """Say that all is done."""
        if self._tell is not None:
            self._tell(self._total, self._total)
