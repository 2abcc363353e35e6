"""Limits how much is done on one host at a time, so that a slow host holds up nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class HostGates:
    """A gate for each host that lets so many through at a time; hosts without anybody take no room."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._gates: dict[str, tuple[asyncio.Semaphore, int]] = {}

    async def enter(self, host: str) -> None:
        """Take a place on a host; waits for one."""
        gate, users = self._gates.get(host) or (asyncio.Semaphore(self._limit), 0)
        self._gates[host] = gate, users + 1
        try:
            await gate.acquire()
        except BaseException:
            self._forget(host)
            raise

    def leave(self, host: str) -> None:
        """Give the place back."""
        self._gates[host][0].release()
        self._forget(host)

    @asynccontextmanager
    async def holding(self, host: str) -> AsyncIterator[None]:
        """Hold a place on a host."""
        await self.enter(host)
        try:
            yield
        finally:
            self.leave(host)

    def _forget(self, host: str) -> None:
        gate, users = self._gates.pop(host)
        if users > 1:
            self._gates[host] = gate, users - 1
