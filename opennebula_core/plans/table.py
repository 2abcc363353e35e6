"""The table of plans: the unique index on it is the rule that a VM has at most one under way."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from opennebula_core.db.connection import Reader, Writer
from opennebula_core.errors import StateError
from opennebula_core.plans.plan import Plan, PlanStatus

COLUMNS = "id, vm_id, operation, version, status, step, attempt, body, error"
_INSERT = """INSERT INTO plan (vm_id, operation, version, status, step, attempt, body, created, ended, error)
    VALUES (?, ?, ?, 'active', ?, ?, ?, ?, 0, '') RETURNING id"""

_AS_KNOWN = "id = ? AND status = 'active' AND step = ? AND attempt = ?"


def create(writer: Writer, plan: Plan) -> Plan:
    """Write a new plan down and return it with its id.

    :raises StateError: the VM has a plan under way
    """
    try:
        row = writer.one(
            _INSERT,
            (plan.vm_id, plan.operation, plan.version, plan.step, plan.attempt, plan.body(), writer.now),
        )
    except sqlite3.IntegrityError:
        raise StateError(f"VM {plan.vm_id} has an operation under way") from None
    assert row is not None
    return replace(plan, id=row[0])


def find(reader: Reader, plan_id: int) -> Plan | None:
    """Return a plan by id."""
    row = reader.one(f"SELECT {COLUMNS} FROM plan WHERE id = ?", (plan_id,))
    return None if row is None else Plan.from_row(row)


def active_of(reader: Reader, vm_id: int) -> Plan | None:
    """Return the VM's plan under way."""
    row = reader.one(f"SELECT {COLUMNS} FROM plan WHERE vm_id = ? AND status = 'active'", (vm_id,))
    return None if row is None else Plan.from_row(row)


def last_of(reader: Reader, vm_id: int) -> Plan | None:
    """Return the VM's newest plan, whatever became of it."""
    row = reader.one(f"SELECT {COLUMNS} FROM plan WHERE vm_id = ? ORDER BY id DESC LIMIT 1", (vm_id,))
    return None if row is None else Plan.from_row(row)


def all_active(reader: Reader) -> list[Plan]:
    """Return every plan under way, oldest first."""
    return [
        Plan.from_row(row)
        for row in reader.query(f"SELECT {COLUMNS} FROM plan WHERE status = 'active' ORDER BY id")
    ]


def move(writer: Writer, plan: Plan, following: Plan) -> bool:
    """Write step and attempt of a plan under way; return whether it still was at those of ``plan``."""
    moved = writer.execute(
        f"UPDATE plan SET step = ?, attempt = ? WHERE {_AS_KNOWN}",
        (following.step, following.attempt, plan.id, plan.step, plan.attempt),
    )
    return bool(moved)


def end(writer: Writer, plan: Plan, status: PlanStatus, error: str = "") -> bool:
    """Write what became of a plan; return whether it still was under way, at that step and attempt."""
    ended = writer.execute(
        f"UPDATE plan SET status = ?, error = ?, ended = ? WHERE {_AS_KNOWN}",
        (str(status), error, writer.now, plan.id, plan.step, plan.attempt),
    )
    return bool(ended)


def abandon(writer: Writer, vm_id: int) -> Plan | None:
    """End the VM's plan under way, if there is one, without an outcome; return it."""
    plan = active_of(writer, vm_id)
    if plan is not None:
        end(writer, plan, PlanStatus.ABANDONED)
    return plan


def drop_old(writer: Writer, before: int) -> int:
    """Remove plans that ended before an instant; return how many.

    A VM's newest stays, `recover` needs it, until the VM is DONE (state 6).
    """
    return writer.execute(
        "DELETE FROM plan WHERE status <> 'active' AND ended < ? "
        "AND (id <> (SELECT MAX(id) FROM plan AS newest WHERE newest.vm_id = plan.vm_id) "
        "OR vm_id IN (SELECT id FROM vm WHERE state = 6))",
        (before,),
    )
