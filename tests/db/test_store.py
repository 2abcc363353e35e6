from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.connection import Change
from opennebula_core.db.migrations import CURRENT_VERSION
from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.errors import ActionError, StoreError


def _put(tx: Transaction, key: str, value: str) -> str:
    tx.execute("INSERT INTO setting VALUES (?, ?)", (key, value))
    return value


def _get(store: Store, key: str) -> str | None:
    found: str | None = store.read(lambda tx: tx.value("SELECT value FROM setting WHERE key = ?", (key,)))
    return found


async def test_what_was_written_is_there_for_readers_when_the_write_returns(store: Store) -> None:
    assert await store.write(lambda tx: _put(tx, "a", "1")) == "1"
    assert _get(store, "a") == "1"


async def test_a_job_that_fails_undoes_its_own_changes_and_no_others(store: Store) -> None:
    def fail(tx: Transaction) -> None:
        _put(tx, "bad", "1")
        raise ActionError("no")

    good, bad, later = (
        store.write(lambda tx: _put(tx, "good", "1")),
        store.write(fail),
        store.write(lambda tx: _put(tx, "later", "1")),
    )
    assert (await good, await later) == ("1", "1")
    with pytest.raises(ActionError, match="no"):
        await bad
    assert (_get(store, "good"), _get(store, "bad"), _get(store, "later")) == ("1", None, "1")


async def test_many_writers_at_once_lose_nothing(store: Store) -> None:
    def increment(tx: Transaction) -> int:
        return tx.next_id("things")

    ids = await asyncio.gather(*(store.write(increment) for _ in range(500)))
    assert sorted(ids) == list(range(500))


async def test_an_id_that_was_given_out_and_rolled_back_may_come_again_but_never_twice(store: Store) -> None:
    def fail(tx: Transaction) -> None:
        tx.next_id("things")
        raise ActionError("no")

    first = await store.write(lambda tx: tx.next_id("things"))
    with pytest.raises(ActionError):
        await store.write(fail)
    second = await store.write(lambda tx: tx.next_id("things"))
    assert (first, second) == (0, 1)


async def test_callbacks_run_after_the_commit_and_not_for_a_failure(store: Store) -> None:
    seen: list[str | None] = []

    def succeed(tx: Transaction) -> None:
        _put(tx, "kept", "1")
        tx.after_commit(lambda: seen.append(_get(store, "kept")))

    def fail(tx: Transaction) -> None:
        tx.after_commit(lambda: seen.append("failed"))
        raise ActionError("no")

    await store.write(succeed)
    with pytest.raises(ActionError):
        await store.write(fail)
    await store.write(lambda tx: None)
    assert seen == ["1"]


async def test_changes_are_numbered_told_and_kept_in_order(store: Store) -> None:
    told: list[Change] = []
    store.on_commit(told.extend)

    def change(tx: Transaction) -> None:
        tx.emit(ObjectKind.VM, 7, "allocate")
        tx.emit(ObjectKind.VM, 7, "state ACTIVE PROLOG")

    await store.write(change)
    await store.write(lambda tx: None)
    assert [(entry.object_id, entry.event) for entry in told] == [(7, "allocate"), (7, "state ACTIVE PROLOG")]
    assert store.read(lambda tx: tx.changes_after(told[0].seq, 10)) == told[1:]


async def test_a_reader_sees_one_instant_while_the_writer_goes_on(store: Store) -> None:
    await store.write(lambda tx: _put(tx, "a", "1"))
    inside, written = threading.Event(), threading.Event()

    def read() -> tuple[int, int]:
        def count(tx: Snapshot) -> tuple[int, int]:
            first = int(tx.value("SELECT COUNT(*) FROM setting"))
            inside.set()
            written.wait(10)
            return first, int(tx.value("SELECT COUNT(*) FROM setting"))

        return store.read(count)

    reading = asyncio.get_running_loop().run_in_executor(None, read)
    await asyncio.to_thread(inside.wait, 10)
    await store.write(lambda tx: _put(tx, "b", "1"))
    written.set()
    assert await reading == (1, 1)


async def test_a_snapshot_cannot_write(store: Store) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        store.read(lambda tx: tx.execute("DELETE FROM setting"))


def test_a_write_without_an_event_loop_waits_for_the_commit(store: Store) -> None:
    assert store.write_now(lambda tx: _put(tx, "a", "1")) == "1"
    assert _get(store, "a") == "1"


def test_what_was_committed_is_there_after_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path / "one.db")
    store.write_now(lambda tx: _put(tx, "a", "1"))
    store.close()
    store = Store(tmp_path / "one.db")
    assert _get(store, "a") == "1"
    store.close()


def test_a_database_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    Store(tmp_path / "one.db").close()
    with sqlite3.connect(tmp_path / "one.db") as connection:
        connection.execute(f"PRAGMA user_version = {CURRENT_VERSION + 1}")
    connection.close()
    with pytest.raises(StoreError, match="newer release"):
        Store(tmp_path / "one.db")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one.db").write_text("this is no database, " * 100)
    with pytest.raises(StoreError, match="open database"):
        Store(tmp_path / "one.db")


async def test_a_watcher_writes_within_the_job_and_fails_with_it(store: Store) -> None:
    seen: list[tuple[ObjectKind, int, str]] = []

    def watch(tx: Transaction) -> None:
        seen.extend(tx.changes)
        tx.execute("INSERT INTO setting VALUES ('watched', ?)", (str(len(tx.changes)),))

    def change(tx: Transaction) -> None:
        tx.emit(ObjectKind.VM, 7, "update")

    store.before_commit(watch)
    await store.write(change)
    assert seen == [(ObjectKind.VM, 7, "update")]
    value = "SELECT value FROM setting WHERE key = 'watched'"
    assert store.read(lambda tx: tx.value(value)) == "1"
    with pytest.raises(sqlite3.IntegrityError):
        await store.write(change)
    assert store.read(lambda tx: tx.last_change()) == 1


def test_the_database_is_its_owners_alone_from_its_making_on(tmp_path: Path) -> None:
    path = tmp_path / "private.db"
    for _ in range(2):
        store = Store(path, synchronous="OFF")
        store.write_now(lambda tx: tx.execute("INSERT OR REPLACE INTO setting VALUES ('a', '1')"))
        files = sorted(tmp_path.glob("private.db*"))
        assert [(file.name, file.stat().st_mode & 0o777) for file in files] == [
            ("private.db", 0o600),
            ("private.db-shm", 0o600),
            ("private.db-wal", 0o600),
        ]
        store.close()
        path.chmod(0o644)  # as an earlier release has left it
        path.with_name("private.db-wal").touch(mode=0o644)
