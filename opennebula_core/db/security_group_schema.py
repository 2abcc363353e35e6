"""The table of the VMs that have security groups, and how the database of an earlier release fills it."""

from __future__ import annotations

import sqlite3
from typing import Final

_STATEMENTS: Final = (
    # standing: the list of the group that names the VM, see model.states.GroupStanding.
    """CREATE TABLE security_group_vm (group_id INTEGER NOT NULL, vm_id INTEGER NOT NULL,
        standing INTEGER NOT NULL, PRIMARY KEY (group_id, vm_id)) WITHOUT ROWID""",
    "CREATE INDEX security_group_vm_vm ON security_group_vm (vm_id)",
    # What is to be done yet: outdated, and under way when the last process ended.
    "CREATE INDEX security_group_vm_due ON security_group_vm (vm_id, standing) WHERE standing IN (1, 2)",
)
_GROUPS_OF_NICS: Final = """SELECT vm.id, json_extract(nic.value, '$.SECURITY_GROUPS')
    FROM vm, json_each(vm.template, '$.NIC') AS nic WHERE vm.state <> 6"""
_OUTDATED: Final = 1


def add_vms_of_groups(connection: sqlite3.Connection) -> None:
    """Make the table; the VMs that are there have no rules yet, and are brought up to date at the start."""
    for statement in _STATEMENTS:
        connection.execute(statement)
    for vm_id, text in connection.execute(_GROUPS_OF_NICS).fetchall():
        words = [word.strip() for word in str(text or "").split(",")]
        known = [(int(word), vm_id, _OUTDATED) for word in words if word.isascii() and word.isdecimal()]
        connection.executemany(
            "INSERT OR IGNORE INTO security_group_vm (group_id, vm_id, standing) "
            "SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM security_group WHERE id = ?1)",
            known,
        )
