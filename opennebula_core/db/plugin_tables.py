"""Tables and migrations that manager plugins bring; each plugin's schema has a version of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from peewee import SchemaManager

from opennebula_core.contracts.manager import TableMigration
from opennebula_core.db.tables import DATABASE
from opennebula_core.db.transaction import Transaction


def create_tables(tx: Transaction, tables: Sequence[type]) -> tuple[type, ...]:
    """Make the plugins' tables that are missing, with their indexes, and return which these were."""
    missing = tuple(table for table in tables if not _exists(tx, table))
    for table in missing:
        # The plugin's model need not name a database; this one only says in which dialect to write.
        schema: Any = SchemaManager(table, DATABASE)
        for statement in (schema._create_table(safe=True), *schema._create_indexes(safe=True)):
            sql, parameters = statement.query()
            tx.execute(sql, parameters)
    return missing


def _exists(tx: Transaction, table: type) -> bool:
    name = table._meta.table_name  # type: ignore[attr-defined] # peewee has no types
    return tx.one("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)) is not None


def migrate_plugins(
    tx: Transaction, migrations: Mapping[str, Sequence[TableMigration]], fresh: frozenset[str] = frozenset()
) -> None:
    """Bring each plugin's tables to its newest version.

    :param fresh: plugins whose tables were made just now, as the newest version has them: nothing is to be
        run for these unless they were here before
    """
    for plugin, steps in migrations.items():
        key = f"schema of plugin {plugin}"
        known = tx.value("SELECT value FROM setting WHERE key = ?", (key,))
        is_new = known is None and plugin in fresh
        for step in steps:
            if step.version > int(known or 0):
                if not is_new:
                    step.apply(tx.connection)
                tx.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (key, str(step.version)))
