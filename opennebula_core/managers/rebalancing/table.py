"""Plans of clusters in the database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.cluster import render_plan
from opennebula_core.model.rebalancing import Move, Pace, PlanState

_PLAN: Final = (
    "SELECT cluster_id, request, user_id, state, since, live, at_a_time, per_host, timeout_s, message, "
    "arguments, report FROM cluster_plan"
)
_MOVES: Final = (
    "SELECT number, vm_id, source_id, target_id, datastore_id, state, since, message FROM cluster_move "
    "WHERE cluster_id = ? ORDER BY number"
)


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan as it is kept.

    :param request: which question it answers
    :param user_id: who asked for it, then who had it carried out
    :param since: epoch seconds of its state
    :param arguments: of the program that computes it
    :param report: what that said; empty before it did, and for a plan that undoes another
    """

    cluster_id: int
    request: int
    user_id: int
    state: PlanState
    since: int
    live: bool
    pace: Pace
    timeout_s: int
    message: str
    arguments: tuple[str, ...]
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredMove:
    """A move as it is kept."""

    move: Move
    datastore_id: int
    since: int
    message: str


def find_plan(tx: Snapshot, cluster_id: int) -> StoredPlan | None:
    """Return the plan of a cluster, None when it has none."""
    row = tx.one(f"{_PLAN} WHERE cluster_id = ?", (cluster_id,))
    return None if row is None else _plan(row)


def plans_to_compute(tx: Snapshot) -> list[StoredPlan]:
    """Return the plans that are asked for and not there yet, the oldest request first."""
    state = int(PlanState.NONE)
    return [_plan(row) for row in tx.query(f"{_PLAN} WHERE state = ? ORDER BY since, cluster_id", (state,))]


def plans_at_work(tx: Snapshot) -> list[StoredPlan]:
    """Return the plans that are carried out, and those that were stopped while a move was under way."""
    condition = (
        "state = ? OR EXISTS (SELECT 1 FROM cluster_move "
        "WHERE cluster_move.cluster_id = cluster_plan.cluster_id AND cluster_move.state = ?)"
    )
    states = (int(PlanState.APPLYING), int(PlanState.APPLYING))
    return [_plan(row) for row in tx.query(f"{_PLAN} WHERE {condition}", states)]


def moves_of(tx: Snapshot, cluster_id: int) -> list[StoredMove]:
    """Return a plan's moves in order."""
    return [
        StoredMove(Move(number, vm_id, source_id, target_id, PlanState(state)), datastore_id, since, message)
        for number, vm_id, source_id, target_id, datastore_id, state, since, message in tx.query(
            _MOVES, (cluster_id,)
        )
    ]


def plan_document(tx: Snapshot, cluster_id: int) -> str:
    """Return the PLAN of a cluster's document, empty when it has none."""
    row = tx.one("SELECT state FROM cluster_plan WHERE cluster_id = ?", (cluster_id,))
    if row is None:
        return ""
    return render_plan(
        cluster_id,
        row[0],
        (
            (
                item.move.number,
                item.move.vm_id,
                item.move.state,
                item.move.target_id,
                item.datastore_id,
                item.since,
            )
            for item in moves_of(tx, cluster_id)
        ),
    )


def put_plan(tx: Transaction, plan: StoredPlan, moves: Iterable[tuple[Move, int]] = ()) -> None:
    """Write a plan in place of what the cluster had.

    :param moves: each with the system datastore that the VM's disks are in
    """
    tx.execute(
        "INSERT OR REPLACE INTO cluster_plan VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            plan.cluster_id,
            plan.request,
            plan.user_id,
            int(plan.state),
            plan.since,
            int(plan.live),
            plan.pace.at_a_time,
            plan.pace.per_host,
            plan.timeout_s,
            plan.message,
            json.dumps(plan.arguments),
            json.dumps(plan.report) if plan.report else "",
        ),
    )
    tx.execute("DELETE FROM cluster_move WHERE cluster_id = ?", (plan.cluster_id,))
    tx.execute_many(
        "INSERT INTO cluster_move VALUES (?, ?, ?, ?, ?, ?, ?, 0, '')",
        [
            (
                plan.cluster_id,
                move.number,
                move.vm_id,
                move.source_id,
                move.target_id,
                datastore_id,
                int(move.state),
            )
            for move, datastore_id in moves
        ],
    )
    tx.emit(ObjectKind.CLUSTER, plan.cluster_id, "update")


def with_report(plan: StoredPlan, state: PlanState, now: int, report: dict[str, Any]) -> StoredPlan:
    """Return a plan that has been computed."""
    return replace(plan, state=state, since=now, message="", report=report)


def set_state(tx: Transaction, cluster_id: int, state: PlanState, message: str = "") -> None:
    """Write what became of a plan."""
    tx.execute(
        "UPDATE cluster_plan SET state = ?, since = ?, message = ? WHERE cluster_id = ?",
        (int(state), tx.now, message, cluster_id),
    )
    tx.emit(ObjectKind.CLUSTER, cluster_id, "update")


def set_pace(tx: Transaction, cluster_id: int, user_id: int, pace: Pace, timeout_s: int) -> None:
    """Write how a plan is to be carried out, and who began it."""
    tx.execute(
        "UPDATE cluster_plan SET user_id = ?, at_a_time = ?, per_host = ?, timeout_s = ? "
        "WHERE cluster_id = ?",
        (user_id, pace.at_a_time, pace.per_host, timeout_s, cluster_id),
    )


def set_move(tx: Transaction, cluster_id: int, number: int, state: PlanState, message: str = "") -> None:
    """Write what became of a move."""
    tx.execute(
        "UPDATE cluster_move SET state = ?, since = ?, message = ? WHERE cluster_id = ? AND number = ?",
        (int(state), tx.now, message, cluster_id, number),
    )
    tx.emit(ObjectKind.CLUSTER, cluster_id, "update")


def drop_plan(tx: Transaction, cluster_id: int) -> None:
    """Forget the plan of a cluster."""
    tx.execute("DELETE FROM cluster_move WHERE cluster_id = ?", (cluster_id,))
    tx.execute("DELETE FROM cluster_plan WHERE cluster_id = ?", (cluster_id,))


def _plan(row: Sequence[Any]) -> StoredPlan:
    cluster_id, request, user_id, state, since, live, at_a_time, per_host, timeout_s, message, *texts = row
    arguments, report = texts
    return StoredPlan(
        cluster_id,
        request,
        user_id,
        PlanState(state),
        since,
        bool(live),
        Pace(at_a_time, per_host),
        timeout_s,
        message,
        tuple(json.loads(arguments)),
        json.loads(report) if report else {},
    )
