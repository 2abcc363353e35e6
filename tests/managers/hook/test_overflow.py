"""What waits for hooks is limited, and what is dropped is said."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Transaction
from opennebula_core.managers.hook import table
from opennebula_core.managers.hook.overflow import Overflow

LIMIT = 3


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "one.db", synchronous="OFF")
    yield store
    store.close()


def event(store: Store, overflow: Overflow, hook_id: int) -> bool:
    def work(tx: Transaction) -> bool:
        has_room = overflow.has_room(tx, hook_id)
        if has_room:
            table.add(tx, hook_id, "document", "")
        return has_room

    return store.write_now(work)


def test_a_hook_that_does_not_keep_up_loses_events_loudly_and_others_none(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    overflow = Overflow(LIMIT)
    caplog.set_level(logging.WARNING)

    assert [event(store, overflow, 7) for _ in range(LIMIT + 12)] == [True] * LIMIT + [False] * 12
    assert event(store, overflow, 8)
    store.write_now(lambda tx: None)  # what is told of a commit is told before the next one
    counts = [record.args[2] for record in caplog.records if isinstance(record.args, tuple)]
    assert counts == [1, 10]

    claimed = store.write_now(lambda tx: table.claim(tx, 2))
    assert [one.hook_id for one in claimed] == [7, 7]
    assert event(store, overflow, 7)
    store.write_now(lambda tx: None)
    assert caplog.records[-1].getMessage() == "hook 7: its events are taken again; dropped were 12"


@pytest.mark.parametrize(
    "condition", ["status = 'waiting' ORDER BY seq", "hook_id = 1 AND status = 'waiting'"]
)
def test_what_waits_is_found_by_an_index(store: Store, condition: str) -> None:
    def plan(tx: Transaction) -> str:
        sql = f"EXPLAIN QUERY PLAN SELECT 1 FROM hook_execution WHERE {condition}"
        return str(tx.query(sql)[-1][3])

    assert "USING" in store.write_now(plan)
