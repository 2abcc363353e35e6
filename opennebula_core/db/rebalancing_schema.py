"""The tables of plans that rebalance clusters. Frozen: see the migrations."""

from __future__ import annotations

import sqlite3
from typing import Final

STATEMENTS: Final = (
    # At most one plan a cluster. state: see model/rebalancing.py, -1 is being computed; request: counts the
    # questions, so that an answer to an older one is dropped; arguments and report are JSON.
    """CREATE TABLE cluster_plan (cluster_id INTEGER PRIMARY KEY, request INTEGER NOT NULL,
        user_id INTEGER NOT NULL, state INTEGER NOT NULL, since INTEGER NOT NULL, live INTEGER NOT NULL,
        at_a_time INTEGER NOT NULL, per_host INTEGER NOT NULL, timeout_s INTEGER NOT NULL,
        message TEXT NOT NULL, arguments TEXT NOT NULL, report TEXT NOT NULL)""",
    """CREATE TABLE cluster_move (cluster_id INTEGER NOT NULL, number INTEGER NOT NULL,
        vm_id INTEGER NOT NULL, source_id INTEGER NOT NULL, target_id INTEGER NOT NULL,
        datastore_id INTEGER NOT NULL, state INTEGER NOT NULL, since INTEGER NOT NULL, message TEXT NOT NULL,
        PRIMARY KEY (cluster_id, number)) WITHOUT ROWID""",
)


def add_cluster_plans(connection: sqlite3.Connection) -> None:
    """Make the tables."""
    for statement in STATEMENTS:
        connection.execute(statement)
