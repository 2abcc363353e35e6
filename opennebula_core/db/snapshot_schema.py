"""The columns of snapshots that persistent images keep. Frozen: see the migrations."""

from __future__ import annotations

import sqlite3

STATEMENTS = (
    "ALTER TABLE image ADD COLUMN snapshots TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE image ADD COLUMN snapshots_mb INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE image ADD COLUMN snapshot_action TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE image ADD COLUMN target_snapshot INTEGER NOT NULL DEFAULT -1",
)


def add_image_snapshots(connection: sqlite3.Connection) -> None:
    """Add them; no image has any yet."""
    for statement in STATEMENTS:
        connection.execute(statement)
