from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from opennebula_core.db import migrations
from opennebula_core.db.migrations import CURRENT_VERSION, MIGRATIONS, Migration, migrate, schema_version
from opennebula_core.db.store import Store
from opennebula_core.errors import StoreError


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(tmp_path / "one.db", isolation_level=None)
    yield opened
    opened.close()


def _names(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}


def test_versions_count_up_from_one() -> None:
    assert [step.version for step in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


def test_an_empty_file_gets_the_whole_schema_once(connection: sqlite3.Connection) -> None:
    assert schema_version(connection) == 0
    assert migrate(connection) == list(MIGRATIONS)
    assert schema_version(connection) == CURRENT_VERSION
    assert {"vm", "history", "acl", "vm_stay", "vm_hours"} <= _names(connection)
    assert migrate(connection) == []


def test_an_older_file_gets_only_what_it_lacks(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(connection)
    connection.execute("INSERT INTO setting VALUES ('kept', 'yes')")

    def add_colours(changed: sqlite3.Connection) -> None:
        changed.execute("CREATE TABLE colour (x)")

    newer = Migration(CURRENT_VERSION + 1, "colours", add_colours)
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, newer))
    monkeypatch.setattr(migrations, "CURRENT_VERSION", newer.version)
    assert migrate(connection) == [newer]
    assert schema_version(connection) == newer.version
    assert "colour" in _names(connection)
    assert connection.execute("SELECT value FROM setting WHERE key = 'kept'").fetchone() == ("yes",)


def test_a_step_that_fails_changes_nothing(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(connection)

    def fail(changed: sqlite3.Connection) -> None:
        changed.execute("CREATE TABLE half (x)")
        changed.execute("DROP TABLE is_not_there")

    broken = Migration(CURRENT_VERSION + 1, "broken", fail)
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, broken))
    monkeypatch.setattr(migrations, "CURRENT_VERSION", broken.version)
    with pytest.raises(StoreError, match=r"\(broken\) failed: no such table: is_not_there; nothing was"):
        migrate(connection)
    assert schema_version(connection) == CURRENT_VERSION
    assert "half" not in _names(connection)


def test_the_file_of_a_newer_release_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "one.db"
    Store(path, synchronous="OFF").close()
    with sqlite3.connect(path) as raw:
        raw.execute(f"PRAGMA user_version = {CURRENT_VERSION + 1}")
    raw.close()
    with pytest.raises(StoreError, match="newer release"):
        Store(path, synchronous="OFF")


def test_a_file_of_before_revisions_gets_them(connection: sqlite3.Connection) -> None:
    MIGRATIONS[0].apply(connection)
    connection.execute("PRAGMA user_version = 1")
    columns = [row[1] for row in connection.execute("PRAGMA table_info(vm)")]
    assert "revision" not in columns
    values = ", ".join("?" * len(columns))
    connection.execute(f"INSERT INTO vm VALUES ({values})", [0] * len(columns))
    migrate(connection)
    assert connection.execute("SELECT revision FROM vm").fetchall() == [(0,)]
