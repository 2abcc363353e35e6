"""Passwords are hashed on threads of their own, so many at a time that others have room."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from opennebula_core.errors import AuthenticationError
from opennebula_core.model.passwords import Cost, decoy, hash_password, is_password

LOG = logging.getLogger(__name__)
T = TypeVar("T")

REFUSED: Final = "User couldn't be authenticated, aborting call."
MAX_WAITING: Final = 64
"""Checks that may wait; a further one is refused unheard."""


class PasswordChecks:
    """Compares passwords with what is stored.

    Strangers share half of the cores; who has been in before has a thread of his own, and so never waits
    behind a flood of guesses.

    :param cost: the work of one hash that nobody's password is compared with
    """

    def __init__(self, cost: Cost | None = None) -> None:
        self._decoy = decoy(cost)
        self._strangers = _Lane(max(1, (os.cpu_count() or 1) // 2), "password")
        self._acquaintances = _Lane(1, "known password")

    async def is_right(self, stored: str, secret: str, *, was_right: bool) -> bool:
        """Return whether ``secret`` is the password that was stored.

        :param was_right: its sender was let in with the same text before
        :raises AuthenticationError: too many are waiting
        """
        lane = self._acquaintances if was_right else self._strangers
        return await lane.run(lambda: is_password(stored, secret))

    async def take_as_long(self, secret: str) -> None:
        """Take as long as a check: who asks shall not learn whether there is such a user."""
        await self._strangers.run(lambda: is_password(self._decoy, secret))

    async def hashed(self, secret: str) -> str:
        """Return a right password as it is to be stored."""
        return await self._acquaintances.run(lambda: hash_password(secret))

    def close(self) -> None:
        """End the threads."""
        self._strangers.close()
        self._acquaintances.close()


class _Lane:
    def __init__(self, threads: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._waiting = 0

    async def run(self, work: Callable[[], T]) -> T:
        if self._waiting >= MAX_WAITING:
            LOG.debug("logins: %d are waiting to be checked; one is refused unheard", self._waiting)
            raise AuthenticationError(REFUSED)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
