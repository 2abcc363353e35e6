"""The tables of quotas, and how the database of an earlier release is counted. Frozen: see the migrations."""

from __future__ import annotations

import sqlite3
from typing import Final

from opennebula_core.db.quota_counting import (
    COUNTED,
    PREPARE_BEFORE_SNAPSHOTS,
    SHARES,
    SYSTEM_DISK,
    TEMPORARY,
)

_VM: Final = (
    "vms", "running_vms", "cpu_percent", "running_cpu_percent", "memory_mib", "running_memory_mib",
    "system_disk_mib",
)  # fmt: skip
_LIMIT, _USED = "INTEGER NOT NULL DEFAULT -1", "INTEGER NOT NULL DEFAULT 0"


def _numbers(columns: tuple[str, ...]) -> str:
    limits = [f"{column} {_LIMIT}" for column in columns]
    return ", ".join((*limits, *(f"{column}_used {_USED}" for column in columns)))


_TABLES: Final = (
    f"""CREATE TABLE vm_quota (owner_kind TEXT NOT NULL, owner_id INTEGER NOT NULL, {_numbers(_VM)},
        PRIMARY KEY (owner_kind, owner_id)) WITHOUT ROWID""",
    f"""CREATE TABLE resource_quota (owner_kind TEXT NOT NULL, owner_id INTEGER NOT NULL,
        resource TEXT NOT NULL, resource_id INTEGER NOT NULL, {_numbers(("items", "size_mib"))},
        PRIMARY KEY (owner_kind, owner_id, resource, resource_id)) WITHOUT ROWID""",
    # An owner has an entry for all that he uses; those that limit something are few.
    """CREATE INDEX resource_quota_limited ON resource_quota (owner_kind, owner_id)
        WHERE items <> -1 OR size_mib <> -1""",
    "ALTER TABLE vm ADD COLUMN counted INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE vm ADD COLUMN system_disk_mib INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE vm ADD COLUMN shares TEXT NOT NULL DEFAULT '[]'",
)
_COUNT: Final = (
    *PREPARE_BEFORE_SNAPSHOTS,
    f"UPDATE vm SET counted = {COUNTED}, system_disk_mib = {SYSTEM_DISK}, shares = {SHARES}",
    f"""INSERT INTO vm_quota (owner_kind, owner_id, {", ".join(f"{column}_used" for column in _VM)})
        SELECT owner_kind, owner_id, {", ".join(_VM)} FROM vm_used""",
    """INSERT INTO resource_quota (owner_kind, owner_id, resource, resource_id, items_used, size_mib_used)
        SELECT owner_kind, owner_id, resource, resource_id, items, size_mib FROM resource_used""",
    *(f"DROP TABLE temp.{table}" for table in TEMPORARY),
)


def add_quotas(connection: sqlite3.Connection) -> None:
    """Make the tables, and count what is there."""
    for statement in (*_TABLES, *_COUNT):
        connection.execute(statement)
