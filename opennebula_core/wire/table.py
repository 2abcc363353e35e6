"""The requests in flight of one driver: found by their answer, limited in time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from opennebula_core.errors import DriverError
from opennebula_core.wire.requests import Reply, Request


@dataclass(slots=True, eq=False)
class InFlight:
    """A request that has been sent.

    :param action: the word under which the answer will come
    :param limit_s: how long it may take, counted anew at each sign of progress
    :param deadline: when its time is up, by the event loop's clock
    """

    request: Request
    action: str
    limit_s: float
    deadline: float
    outcome: asyncio.Future[Reply]
    progress: tuple[int, int] = field(default=(-1, -1))


class RequestTable:
    """The requests in flight, by object id and action word.

    One timer serves them all: it is set for the first deadline.

    :param on_overdue: makes the error of a request whose time is up
    """

    def __init__(self, on_overdue: Callable[[InFlight], DriverError]) -> None:
        self._on_overdue = on_overdue
        self._by_id: dict[int, dict[str, InFlight]] = {}
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[InFlight]:
        for actions in self._by_id.values():
            yield from actions.values()

    def add(self, request: Request, action: str, limit_s: float) -> InFlight | None:
        """Enter a request; ``None`` when one of the same action and id is in flight."""
        actions = self._by_id.setdefault(request.object_id, {})
        if action in actions:
            return None
        loop = asyncio.get_running_loop()
        entry = InFlight(request, action, limit_s, loop.time() + limit_s, loop.create_future())
        actions[action] = entry
        self._count += 1
        self._watch(entry.deadline)
        return entry

    def find(self, action: str, object_id: int) -> InFlight | None:
        """Return the request that an answer belongs to."""
        actions = self._by_id.get(object_id)
        return actions.get(action) if actions else None

    def of(self, object_id: int) -> list[InFlight]:
        """Return the requests about an object."""
        return list(self._by_id.get(object_id, {}).values())

    def progress(self, object_id: int, done: int, total: int) -> None:
        """Give the requests about an object their time anew if they have got on: slow is not hung."""
        now = asyncio.get_running_loop().time()
        for entry in self._by_id.get(object_id, {}).values():
            if entry.progress != (done, total):
                entry.progress = (done, total)
                entry.deadline = now + entry.limit_s

    def resolve(self, entry: InFlight, reply: Reply) -> None:
        """Hand the reply to whoever waits for it."""
        self.discard(entry)
        if not entry.outcome.done():
            entry.outcome.set_result(reply)

    def reject(self, entry: InFlight, error: DriverError) -> None:
        """Tell whoever waits that there is no reply."""
        self.discard(entry)
        if not entry.outcome.done():
            entry.outcome.set_exception(error)

    def discard(self, entry: InFlight) -> None:
        """Take a request out, if it is there."""
        actions = self._by_id.get(entry.request.object_id)
        if actions is None or actions.get(entry.action) is not entry:
            return
        del actions[entry.action]
        self._count -= 1
        if not actions:
            del self._by_id[entry.request.object_id]

    def close(self) -> None:
        """Stop watching the time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch(self, deadline: float) -> None:
        if deadline == math.inf or (self._timer is not None and self._timer.when() <= deadline):
            return
        self.close()
        self._timer = asyncio.get_running_loop().call_at(deadline, self._expire)

    def _expire(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        for entry in [entry for entry in self if entry.deadline <= now]:
            self.reject(entry, self._on_overdue(entry))
        if self._count:
            self._watch(min(entry.deadline for entry in self))
