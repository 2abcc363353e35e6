"""The table of templates of networks. Frozen: see the migrations."""

from __future__ import annotations

import sqlite3

from opennebula_core.db.schema import pool_table

STATEMENTS = (
    pool_table("network_template", "regtime INTEGER NOT NULL"),
    "CREATE UNIQUE INDEX network_template_name ON network_template (uid, name)",
)


def add_network_templates(connection: sqlite3.Connection) -> None:
    """Make the table."""
    for statement in STATEMENTS:
        connection.execute(statement)
