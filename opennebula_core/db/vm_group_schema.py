"""The tables of groups of VMs. Frozen: see the migrations."""

from __future__ import annotations

import sqlite3
from typing import Final

from opennebula_core.db.schema import pool_table

STATEMENTS: Final = (
    pool_table("vm_group", "roles TEXT NOT NULL"),
    "CREATE UNIQUE INDEX vm_group_name ON vm_group (uid, name)",
    # A VM is in one role of one group at most.
    """CREATE TABLE vm_group_member (vm_id INTEGER PRIMARY KEY, group_id INTEGER NOT NULL,
        role_id INTEGER NOT NULL)""",
    "CREATE INDEX vm_group_member_group ON vm_group_member (group_id)",
)


def add_vm_groups(connection: sqlite3.Connection) -> None:
    """Make the tables."""
    for statement in STATEMENTS:
        connection.execute(statement)
