from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.connection import Change
from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.managers.monitoring import MonitoringCache
from opennebula_core.managers.vm.short_documents import ShortDocuments
from opennebula_core.model.objects import Vm

REVISIONS = "SELECT id, revision FROM vm ORDER BY id"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "one.db", synchronous="OFF")
    yield store
    store.close()


@pytest.fixture
def documents() -> ShortDocuments:
    return ShortDocuments()


def _add(store: Store, *names: str) -> None:
    def write(tx: Transaction) -> None:
        for name in names:
            tx.vms.allocate(Vm(-1, name))

    store.write_now(write)


def _rename(store: Store, vm_id: int, name: str) -> None:
    def write(tx: Transaction) -> None:
        vm = tx.vms.get(vm_id)
        vm.name = name
        tx.vms.save(vm)

    store.write_now(write)


def _list(documents: ShortDocuments, tx: Snapshot) -> str:
    return b"".join(documents.splice(tx, tx.query(REVISIONS), {})).decode()


def _names(text: str) -> list[str]:
    return [part.partition("&lt;")[0] for part in text.split("&lt;NAME&gt;")[1:]]


def test_a_change_is_shown_by_the_listing_behind_it(store: Store, documents: ShortDocuments) -> None:
    _add(store, "a", "b")
    assert _names(store.read(lambda tx: _list(documents, tx))) == ["a", "b"]
    _rename(store, 1, "c")
    _add(store, "d")
    assert _names(store.read(lambda tx: _list(documents, tx))) == ["a", "c", "d"]


def test_only_what_has_changed_is_read(store: Store, documents: ShortDocuments) -> None:
    _add(store, "a", "b", "c")
    read: list[str] = []

    def watched(tx: Snapshot) -> str:
        tx.connection.set_trace_callback(lambda sql: read.append(sql) if "json_each" in sql else None)
        text = _list(documents, tx)
        tx.connection.set_trace_callback(None)
        return text

    first = store.read(watched)
    assert len(read) == 1
    assert store.read(watched) == first
    assert len(read) == 1
    _rename(store, 1, "d")
    store.read(watched)
    assert read[1].endswith("json_each('[1]'))")


def test_a_change_that_was_undone_leaves_nothing(store: Store, documents: ShortDocuments) -> None:
    _add(store, "a")
    before = store.read(lambda tx: _list(documents, tx))

    def fail(tx: Transaction) -> None:
        vm = tx.vms.get(0)
        vm.name = "half"
        tx.vms.save(vm)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        store.write_now(fail)
    assert store.read(lambda tx: _list(documents, tx)) == before
    _rename(store, 0, "b")
    assert _names(store.read(lambda tx: _list(documents, tx))) == ["b"]


def test_a_snapshot_goes_on_showing_what_it_showed_and_spoils_nothing(
    store: Store, documents: ShortDocuments
) -> None:
    _add(store, "a")
    connection = sqlite3.connect(store.path, isolation_level=None)
    older = Snapshot(connection)
    connection.execute("BEGIN")
    assert _names(_list(documents, older)) == ["a"]
    _rename(store, 0, "b")
    for _ in range(2):  # in turn, each finds the other's document in memory
        assert _names(store.read(lambda tx: _list(documents, tx))) == ["b"]
        assert _names(_list(documents, older)) == ["a"]
    connection.close()


def test_figures_stand_where_they_belong(store: Store, documents: ShortDocuments) -> None:
    _add(store, "a", "b")
    cache = MonitoringCache()
    cache.put(ObjectKind.VM, 1, 7, "<MONITORING><CPU>5</CPU></MONITORING>")

    def both(tx: Snapshot) -> bytes:
        return b"".join(documents.splice(tx, tx.query(REVISIONS), cache.all_of(ObjectKind.VM)))

    first, _, second = store.read(both).decode().partition("&lt;/VM&gt;")
    assert "&lt;LAST_POLL&gt;0&lt;/LAST_POLL&gt;" in first
    assert "&lt;MONITORING&gt;&lt;/MONITORING&gt;" in first
    assert "&lt;LAST_POLL&gt;7&lt;/LAST_POLL&gt;" in second
    assert "&lt;MONITORING&gt;&lt;CPU&gt;5&lt;/CPU&gt;&lt;/MONITORING&gt;" in second


def test_memory_is_bounded_and_the_answer_is_whole_all_the_same(store: Store) -> None:
    _add(store, *(f"vm{number}" for number in range(20)))
    documents = ShortDocuments(max_bytes=5000)
    for _ in range(3):
        assert len(_names(store.read(lambda tx: _list(documents, tx)))) == 20
        assert 0 < len(documents) < 10


def test_documents_of_vms_that_came_to_their_end_are_dropped(store: Store, documents: ShortDocuments) -> None:
    _add(store, "a", "b", "c")
    store.read(lambda tx: _list(documents, tx))
    documents.forget(
        [
            Change(1, ObjectKind.VM, 0, "state DONE LCM_INIT"),
            Change(2, ObjectKind.VM, 1, "state ACTIVE RUNNING"),
            Change(3, ObjectKind.HOST, 2, "delete"),
        ]
    )
    assert len(documents) == 2
    assert _names(store.read(lambda tx: _list(documents, tx))) == ["a", "b", "c"]
