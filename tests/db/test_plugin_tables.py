from __future__ import annotations

import sqlite3
from pathlib import Path

import peewee
import pytest

from opennebula_core.contracts.manager import TableMigration
from opennebula_core.db.plugin_tables import create_tables, migrate_plugins
from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Transaction


class Audit(peewee.Model):
    """A plugin's table as its second release has it."""

    who = peewee.TextField()
    severity = peewee.IntegerField(default=0, index=True)

    class Meta:
        table_name = "acme_audit"


def _add_severity(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE acme_audit ADD COLUMN severity INTEGER NOT NULL DEFAULT 0")
    connection.execute("CREATE INDEX acme_audit_severity ON acme_audit (severity)")


STEPS = {"acme": (TableMigration(1, "severity", _add_severity),)}


def _columns(tx: Transaction) -> list[str]:
    return [row[1] for row in tx.query("PRAGMA table_info(acme_audit)")]


def _version(tx: Transaction) -> str | None:
    version: str | None = tx.value("SELECT value FROM setting WHERE key = 'schema of plugin acme'")
    return version


def test_missing_tables_are_made_with_their_indexes_and_only_once(store: Store) -> None:
    def work(tx: Transaction) -> None:
        assert create_tables(tx, (Audit,)) == (Audit,)
        tx.execute("INSERT INTO acme_audit (who, severity) VALUES ('alice', 3)")
        assert create_tables(tx, (Audit,)) == ()
        assert tx.value("SELECT COUNT(*) FROM acme_audit") == 1
        assert tx.value("SELECT COUNT(*) FROM pragma_index_list('acme_audit')") == 1

    store.write_now(work)


def test_a_new_installation_starts_at_the_newest_version(store: Store) -> None:
    def work(tx: Transaction) -> None:
        create_tables(tx, (Audit,))
        migrate_plugins(tx, STEPS, frozenset({"acme"}))
        assert _columns(tx) == ["id", "who", "severity"]
        assert _version(tx) == "1"

    store.write_now(work)


def test_an_older_table_is_migrated_once_and_keeps_its_rows(store: Store) -> None:
    def work(tx: Transaction) -> None:
        tx.execute("CREATE TABLE acme_audit (id INTEGER PRIMARY KEY, who TEXT NOT NULL)")
        tx.execute("INSERT INTO acme_audit (who) VALUES ('alice')")
        assert create_tables(tx, (Audit,)) == ()
        for _ in range(2):
            migrate_plugins(tx, STEPS)
        assert tx.query("SELECT who, severity FROM acme_audit") == [("alice", 0)]
        assert _version(tx) == "1"

    store.write_now(work)


def test_a_plugin_that_makes_its_tables_by_migrations_alone_runs_them_all(store: Store) -> None:
    ran: list[int] = []
    steps = {"acme": tuple(TableMigration(n, "step", lambda _, n=n: ran.append(n)) for n in (1, 2, 3))}  # type: ignore[misc]
    store.write_now(lambda tx: migrate_plugins(tx, {"acme": steps["acme"][:2]}))
    store.write_now(lambda tx: migrate_plugins(tx, steps))
    assert ran == [1, 2, 3]


def test_a_step_that_fails_leaves_the_version_and_the_tables_as_they_were(store: Store) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE acme_half (id INTEGER)")
        connection.execute("no SQL at all")

    steps = {"acme": (TableMigration(1, "broken", fail),)}
    with pytest.raises(sqlite3.OperationalError):
        store.write_now(lambda tx: migrate_plugins(tx, steps))

    def look(tx: Transaction) -> None:
        assert _version(tx) is None
        assert tx.one("SELECT 1 FROM sqlite_master WHERE name = 'acme_half'") is None

    store.write_now(look)


def test_a_plugins_tables_outlive_the_process(tmp_path: Path) -> None:
    path = tmp_path / "one.db"
    for expected in ((Audit,), ()):
        store = Store(path, synchronous="OFF")
        assert store.write_now(lambda tx: create_tables(tx, (Audit,))) == expected
        store.close()
