"""The table of scheduled actions: which is due next; what they say stands in the templates of their VMs."""

from __future__ import annotations

import sqlite3

STATEMENTS = (
    """CREATE TABLE sched_action (id INTEGER PRIMARY KEY, vm_id INTEGER NOT NULL, due INTEGER)""",
    "CREATE INDEX sched_action_due ON sched_action (due) WHERE due IS NOT NULL",
    "CREATE INDEX sched_action_vm ON sched_action (vm_id)",
)


def add_scheduled_actions(connection: sqlite3.Connection) -> None:
    """Make the table."""
    for statement in STATEMENTS:
        connection.execute(statement)
