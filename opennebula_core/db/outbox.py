"""The outbox is kept short: by number at commits, by age here."""

from __future__ import annotations

import asyncio
from typing import Final

from opennebula_core.db.connection import Writer
from opennebula_core.db.store import Store

KEPT_S: Final = 7 * 86400
"""A consumer that was away for longer starts anew from the pools."""
PERIOD_S: Final = 3600.0
AT_ONCE: Final = 10_000
"""Changes removed in one job, so that no request waits long for the writer."""

_DROP: Final = """DELETE FROM outbox WHERE seq IN (
    SELECT seq FROM outbox WHERE seq < MIN(
        (SELECT MAX(seq) FROM outbox),
        IFNULL((SELECT seq FROM outbox WHERE time >= ? ORDER BY seq LIMIT 1), 1 << 62)
    ) ORDER BY seq LIMIT ?)"""
"""What goes is always the beginning, whatever the clock did: a hole could not be told from nothing missed."""


def drop_old_changes(writer: Writer, before: int, limit: int = AT_ONCE) -> int:
    """Remove up to ``limit`` changes before the first that is not older than an instant; return how many.

    The newest change stays: by its number others know whether they have missed some.
    """
    return writer.execute(_DROP, (before, limit))


async def keep_outbox_short(store: Store) -> None:
    """Run for ever: remove changes that are too old."""
    while True:
        while await store.write(lambda tx: drop_old_changes(tx, tx.now - KEPT_S)) == AT_ONCE:
            await asyncio.sleep(0)
        await asyncio.sleep(PERIOD_S)
