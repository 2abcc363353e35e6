"""A bound on long answers: each is kept in memory from when it is made until its caller has taken it."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final, Self

MAX_LONG_ANSWERS: Final = 32


class LongAnswers:
    """The places for long answers; who finds none waits."""

    def __init__(self, places: int = MAX_LONG_ANSWERS) -> None:
        self._free = asyncio.Semaphore(places)

    def place(self) -> Place:
        """Return a place that is not taken yet."""
        return Place(self._free)


class Place:
    """At most one place, taken when it is first needed and given back at the end of the ``with`` block."""

    __slots__ = ("_free", "_is_taken")

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free = free
        self._is_taken = False

    async def take(self) -> None:
        """Wait for a place; one is enough, however often it is asked for."""
        if not self._is_taken:
            await self._free.acquire()
            self._is_taken = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._is_taken:
            self._free.release()
            self._is_taken = False
