"""Tables and migrations that manager plugins bring; each plugin's schema has a version of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opennebula_core.contracts.manager import TableMigration
from opennebula_core.db.transaction import Transaction


def create_tables(tx: Transaction, tables: Sequence[type]) -> None:
    """Make the plugins' tables that are missing."""
    for table in tables:
        schema = table._schema  # type: ignore[attr-defined] # peewee has no types
        for statement in (schema._create_table(safe=True), *schema._create_indexes(safe=True)):
            sql, parameters = statement.query()
            tx.execute(sql, parameters)


def migrate_plugins(tx: Transaction, migrations: Mapping[str, Sequence[TableMigration]]) -> None:
    """Bring each plugin's tables to its newest version."""
    for plugin, steps in migrations.items():
        key = f"schema of plugin {plugin}"
        done = int(tx.value("SELECT value FROM setting WHERE key = ?", (key,)) or 0)
        for step in steps:
            if step.version > done:
                step.apply(tx.connection)
                tx.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (key, str(step.version)))
