"""The long poll on committed changes, which wakes the scheduler and whoever else wants to know.

The answer is ``<CHANGES><CURSOR>n</CURSOR><CHANGE><SEQ/><KIND/><ID/><EVENT/></CHANGE>*</CHANGES>``. A caller
that was away for longer than changes are kept gets ``<RESET/>`` behind the cursor, no changes, and looks at
everything afresh.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from opennebula_core.db.connection import Change
from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Snapshot
from opennebula_core.errors import ParameterError

FROM_NOW: Final = -1
MAX_CHANGES: Final = 1000
MAX_TIMEOUT_S: Final = 300
MAX_WAITING: Final = 1000


class ChangeFeed:
    """Waits for changes on behalf of callers. Belongs to the running event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._waiting: set[asyncio.Future[None]] = set()
        self._is_closed = False
        store.on_commit(self._committed)

    async def after(self, cursor: int, timeout_s: int) -> bytes:
        """Return the changes behind ``cursor`` as a document, escaped for the wire.

        Waits up to ``timeout_s`` for the first one.

        :param cursor: the cursor of the answer before; -1 asks for what happens from now on
        :raises ParameterError: cursor or timeout is out of range
        """
        if cursor < FROM_NOW or not 0 <= timeout_s <= MAX_TIMEOUT_S:
            raise ParameterError(f"cursor must be at least -1, timeout between 0 and {MAX_TIMEOUT_S} seconds")
        if cursor == FROM_NOW:
            cursor = self._store.read(lambda snapshot: snapshot.last_change())
        deadline = self._loop.time() + timeout_s
        while True:
            found = self._store.read(lambda snapshot: _changes_after(snapshot, cursor))
            left_s = deadline - self._loop.time()
            if found is None or found or left_s <= 0 or self._is_closed or len(self._waiting) >= MAX_WAITING:
                return self._document(cursor, found)
            await self._next_commit(left_s)

    def close(self) -> None:
        """Let everybody who waits go with what there is; nobody waits any more."""
        self._is_closed = True
        self._wake()

    async def _next_commit(self, timeout_s: float) -> None:
        commit: asyncio.Future[None] = self._loop.create_future()
        self._waiting.add(commit)
        try:
            await asyncio.wait((commit,), timeout=timeout_s)
        finally:
            self._waiting.discard(commit)

    def _committed(self, _changes: list[Change]) -> None:
        if not self._waiting:
            return
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:  # told on the writer's thread
            running = None
        if running is self._loop:
            self._wake()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for commit in self._waiting:
            if not commit.done():
                commit.set_result(None)

    def _document(self, cursor: int, found: Sequence[Change] | None) -> bytes:
        if found is None:
            newest = self._store.read(lambda snapshot: snapshot.last_change())
            text = f"<CHANGES><CURSOR>{newest}</CURSOR><RESET/></CHANGES>"
        else:
            newest = found[-1].seq if found else cursor
            rows = "".join(
                f"<CHANGE><SEQ>{change.seq}</SEQ><KIND>{change.kind.value}</KIND>"
                f"<ID>{change.object_id}</ID><EVENT>{change.event}</EVENT></CHANGE>"
                for change in found
            )
            text = f"<CHANGES><CURSOR>{newest}</CURSOR>{rows}</CHANGES>"
        return text.replace("<", "&lt;").encode()


def _changes_after(snapshot: Snapshot, cursor: int) -> Sequence[Change] | None:
    """Return the changes behind ``cursor``, None when some of them are not kept any more."""
    if cursor > snapshot.last_change():  # another database, or one restored from a backup
        return None
    first = snapshot.first_change()
    if first > cursor + 1:
        return None
    return snapshot.changes_after(cursor, MAX_CHANGES)
