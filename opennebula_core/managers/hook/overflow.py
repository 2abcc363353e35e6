"""Events of hooks whose commands do not keep up: so many wait, and what comes then is dropped and said so."""

from __future__ import annotations

import logging
from functools import partial

from opennebula_core.db.transaction import Transaction
from opennebula_core.managers.hook import table

LOG = logging.getLogger(__name__)


class Overflow:
    """Counts what was dropped; the log has the first event, the tenth, the hundredth and so on, and the end.

    :param limit: executions of each hook that may wait
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._dropped: dict[int, int] = {}

    def has_room(self, tx: Transaction, hook_id: int) -> bool:
        """Return whether a hook may have one more that waits; if not, its event is counted as dropped."""
        has_room = not table.is_full(tx, hook_id, self._limit)
        if not has_room:
            tx.after_commit(partial(self._tell_dropped, hook_id))
        elif hook_id in self._dropped:
            tx.after_commit(partial(self._tell_end, hook_id))
        return has_room

    def _tell_dropped(self, hook_id: int) -> None:
        count = self._dropped[hook_id] = self._dropped.get(hook_id, 0) + 1
        if str(count).strip("0") == "1":
            LOG.error(
                "hook %d: %d of its executions wait, as many as [hooks] waiting allows; events dropped: %d; "
                "its command is too slow for them, or [hooks] concurrency too low",
                hook_id, self._limit, count,
            )  # fmt: skip

    def _tell_end(self, hook_id: int) -> None:
        count = self._dropped.pop(hook_id, 0)
        if count:
            LOG.warning("hook %d: its events are taken again; dropped were %d", hook_id, count)
