"""The tables of hooks and of their executions: those that wait, those under way, and the log of the ended."""

from __future__ import annotations

import sqlite3

STATEMENTS = (
    """CREATE TABLE hook (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, uid INTEGER NOT NULL, gid INTEGER NOT NULL,
        uname TEXT NOT NULL, gname TEXT NOT NULL, permissions INTEGER NOT NULL,
        lock_level INTEGER NOT NULL DEFAULT 0, lock_owner INTEGER NOT NULL DEFAULT -1,
        lock_time INTEGER NOT NULL DEFAULT 0, template TEXT NOT NULL,
        type TEXT NOT NULL, call TEXT NOT NULL, resource TEXT NOT NULL, state TEXT NOT NULL)""",
    "CREATE UNIQUE INDEX hook_name ON hook (name)",
    """CREATE TABLE hook_execution (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, hook_id INTEGER NOT NULL, execution_id INTEGER NOT NULL,
        time INTEGER NOT NULL, status TEXT NOT NULL, arguments TEXT NOT NULL, remote_host TEXT NOT NULL,
        is_retry INTEGER NOT NULL, command TEXT NOT NULL DEFAULT '', code INTEGER NOT NULL DEFAULT 0,
        stdout TEXT NOT NULL DEFAULT '', stderr TEXT NOT NULL DEFAULT '')""",
    "CREATE UNIQUE INDEX hook_execution_id ON hook_execution (hook_id, execution_id)",
    "CREATE INDEX hook_execution_open ON hook_execution (status, seq) WHERE status <> 'ended'",
    "CREATE INDEX hook_execution_time ON hook_execution (time)",
)


def add_hooks(connection: sqlite3.Connection) -> None:
    """Make the tables."""
    for statement in STATEMENTS:
        connection.execute(statement)


def index_waiting_hooks(connection: sqlite3.Connection) -> None:
    """Find what waits without looking through the log, in all and for each hook."""
    connection.execute("DROP INDEX hook_execution_open")
    for name, column in (("waiting", "status"), ("waiting_of", "hook_id")):
        connection.execute(
            f"CREATE INDEX hook_execution_{name} ON hook_execution ({column}) WHERE status = 'waiting'"
        )
    connection.execute(
        "CREATE INDEX hook_execution_running ON hook_execution (status) WHERE status = 'running'"
    )
