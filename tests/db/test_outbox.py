from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from opennebula_core.api.changes import ChangeFeed
from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.outbox import KEPT_S, drop_old_changes, keep_outbox_short
from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Transaction
from opennebula_core.testing.cloud import Clock


def add_changes(store: Store, count: int) -> None:
    def work(tx: Transaction) -> None:
        for number in range(count):
            tx.emit(ObjectKind.VM, number, "update")

    store.write_now(work)


def kept(store: Store) -> list[int]:
    return [change.seq for change in store.read(lambda tx: tx.changes_after(0, 1000))]


def test_old_changes_go_and_the_newest_stays(tmp_path: Path) -> None:
    clock = Clock()
    store = Store(tmp_path / "one.db", synchronous="OFF", clock=clock)
    add_changes(store, 3)
    clock.advance(100)
    add_changes(store, 2)
    assert store.write_now(lambda tx: drop_old_changes(tx, tx.now - 50)) == 3
    assert kept(store) == [4, 5]
    assert store.write_now(lambda tx: drop_old_changes(tx, tx.now + 50)) == 1
    assert kept(store) == [5]
    store.close()


def test_only_so_many_go_at_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "one.db", synchronous="OFF")
    add_changes(store, 10)
    assert store.write_now(lambda tx: drop_old_changes(tx, tx.now + 1, limit=4)) == 4
    assert kept(store) == [5, 6, 7, 8, 9, 10]
    store.close()


async def test_who_was_away_for_too_long_is_told_so(tmp_path: Path) -> None:
    clock = Clock()
    store = Store(tmp_path / "one.db", synchronous="OFF", clock=clock)
    feed = ChangeFeed(store)
    await asyncio.to_thread(add_changes, store, 3)
    clock.advance(KEPT_S + 1)
    keeping = asyncio.create_task(keep_outbox_short(store))
    async with asyncio.timeout(10):
        while kept(store) != [3]:
            await asyncio.sleep(0.005)
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping
    assert b"RESET" in await feed.after(1, 0)
    assert b"RESET" not in await feed.after(3, 0)
    store.close()


def test_a_clock_that_was_ahead_leaves_no_hole(tmp_path: Path) -> None:
    clock = Clock()
    store = Store(tmp_path / "one.db", synchronous="OFF", clock=clock)
    add_changes(store, 1)
    clock.advance(1000)
    add_changes(store, 1)
    clock.advance(-1000)
    add_changes(store, 2)
    assert store.write_now(lambda tx: drop_old_changes(tx, tx.now + 500)) == 1
    assert kept(store) == [2, 3, 4]
    store.close()
