"""The API methods of plans: those of OpenNebula 7, and ours to look at, stop and undo one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.errors import ActionError, InternalError
from opennebula_core.managers.objects import parse_text
from opennebula_core.managers.rebalancing import table
from opennebula_core.managers.rebalancing.table import StoredPlan
from opennebula_core.managers.rebalancing.wishes import (
    DEFAULT_PACE,
    DEFAULT_TIMEOUT_S,
    arguments_of,
    is_live,
    number_of,
)
from opennebula_core.model.rebalancing import Move, Pace, PlanState, reversed_moves
from opennebula_core.model.template import Template

_ADMIN: Final = (Need(ObjectKind.CLUSTER, Right.ADMIN, "id"),)
_ID: Final = Param("id", int)
_SETTINGS: Final = Param("settings", str, "")
_FAILED: Final = (PlanState.ERROR, PlanState.TIMEOUT)
MOST_AT_A_TIME: Final = 1_000
LONGEST_TIMEOUT_S: Final = 7 * 86_400


def plan_methods(compute: Callable[[], None], execute: Callable[[], None]) -> Iterable[Method]:
    """Return all methods.

    :param compute: called after the commit when there is something to compute; ``execute`` likewise
    """

    def optimize(tx: Transaction, session: Session, cluster_id: int, given: Template) -> int:
        _ask(tx, session, cluster_id, given)
        tx.after_commit(compute)
        return cluster_id

    def carry_out(tx: Transaction, session: Session, cluster_id: int, given: Template) -> int:
        _begin(tx, session, cluster_id, given)
        tx.after_commit(execute)
        return cluster_id

    def prepare(cluster_id: int, text: str) -> tuple[object, ...]:
        return cluster_id, parse_text(text)

    yield Method(
        "one.cluster.optimize",
        (_ID, _SETTINGS),
        _ADMIN,
        Mode.WRITE,
        optimize,
        "Have a plan computed that balances or packs a cluster.",
        prepare,
    )
    yield Method(
        "one.cluster.planexecute",
        (_ID, _SETTINGS),
        _ADMIN,
        Mode.WRITE,
        carry_out,
        "Carry out the plan of a cluster, or go on with it after a failure.",
        prepare,
    )
    for word, handler, doc in (
        ("plandelete", _delete, "Forget the plan of a cluster; one that is carried out is stopped first."),
        ("planstop", _stop, "Begin no more moves of a plan; those under way end by themselves."),
        ("planrevert", _revert, "Replace a plan by the one that brings its VMs back."),
    ):
        yield Method(f"one.cluster.{word}", (_ID,), _ADMIN, Mode.WRITE, handler, doc)
    yield Method(
        "one.cluster.planinfo",
        (_ID,),
        _ADMIN,
        Mode.POINT,
        _info,
        "Return all there is to know of a cluster's plan, as JSON.",
    )


def _plan(tx: Snapshot, cluster_id: int) -> StoredPlan:
    tx.clusters.get(cluster_id)
    plan = table.find_plan(tx, cluster_id)
    if plan is None:
        raise ActionError(
            f"Cluster {cluster_id} has no plan; ask for one with 'onecluster optimize {cluster_id}'",
            cluster_id,
        )
    return plan


def _ask(tx: Transaction, session: Session, cluster_id: int, given: Template) -> None:
    cluster = tx.clusters.get(cluster_id)
    present = table.find_plan(tx, cluster_id)
    if present is not None:
        _check_quiet(tx, present)
    plan = StoredPlan(
        cluster_id,
        present.request + 1 if present is not None else 1,
        session.user_id,
        PlanState.NONE,
        tx.now,
        is_live(given),
        DEFAULT_PACE,
        DEFAULT_TIMEOUT_S,
        "",
        arguments_of(cluster.template, given),
        {},
    )
    table.put_plan(tx, plan)


def _check_quiet(tx: Snapshot, plan: StoredPlan) -> None:
    """Make sure that no VM is being moved.

    :raises ActionError: one is
    """
    states = [item.move.state for item in table.moves_of(tx, plan.cluster_id)]
    if plan.state is PlanState.APPLYING or PlanState.APPLYING in states:
        raise ActionError(
            f"The plan of cluster {plan.cluster_id} is being carried out; wait for its end, or stop it with "
            f"'onecluster planstop {plan.cluster_id}' and wait for the moves that are under way",
            plan.cluster_id,
        )


def _begin(tx: Transaction, session: Session, cluster_id: int, given: Template) -> None:
    plan = _plan(tx, cluster_id)
    if plan.state is PlanState.NONE:
        raise ActionError(f"The plan of cluster {cluster_id} is still being computed; try again", cluster_id)
    if plan.state is PlanState.APPLYING:
        raise ActionError(f"The plan of cluster {cluster_id} is being carried out already", cluster_id)
    moves = table.moves_of(tx, cluster_id)
    if plan.state is PlanState.DONE or not moves:
        raise ActionError(
            f"The plan of cluster {cluster_id} has nothing left to do; "
            f"ask for a new one with 'onecluster optimize {cluster_id}'",
            cluster_id,
        )
    pace, timeout_s = _pace(plan, given)
    for item in moves:
        if item.move.state in _FAILED:
            table.set_move(tx, cluster_id, item.move.number, PlanState.READY)
    table.set_pace(tx, cluster_id, session.user_id, pace, timeout_s)
    table.set_state(tx, cluster_id, PlanState.APPLYING)


def _pace(plan: StoredPlan, given: Template) -> tuple[Pace, int]:
    limits = {
        "AT_A_TIME": (plan.pace.at_a_time, MOST_AT_A_TIME),
        "PER_HOST": (plan.pace.per_host, MOST_AT_A_TIME),
        "TIMEOUT_S": (plan.timeout_s, LONGEST_TIMEOUT_S),
    }
    unknown = sorted(set(given.names()) - set(limits))
    if unknown:
        raise InternalError(f"Unknown setting {unknown[0]!r} of a plan; there are {', '.join(limits)}")
    at_a_time, per_host, timeout_s = (
        number_of(name, given.get(name) or str(present), least=1, most=most)
        for name, (present, most) in limits.items()
    )
    return Pace(at_a_time, per_host), timeout_s


def _delete(tx: Transaction, session: Session, cluster_id: int) -> int:
    _check_quiet(tx, _plan(tx, cluster_id))
    table.drop_plan(tx, cluster_id)
    tx.emit(ObjectKind.CLUSTER, cluster_id, "update")
    return cluster_id


def _stop(tx: Transaction, session: Session, cluster_id: int) -> int:
    plan = _plan(tx, cluster_id)
    if plan.state is not PlanState.APPLYING:
        raise ActionError(f"The plan of cluster {cluster_id} is not being carried out", cluster_id)
    text = f"stopped by {session.user_name}; go on with 'onecluster planexecute {cluster_id}'"
    table.set_state(tx, cluster_id, PlanState.ERROR, text)
    return cluster_id


def _revert(tx: Transaction, session: Session, cluster_id: int) -> int:
    plan = _plan(tx, cluster_id)
    _check_quiet(tx, plan)
    items = table.moves_of(tx, cluster_id)
    datastores = {item.move.vm_id: item.datastore_id for item in items}
    moves: list[Move] = reversed_moves([item.move for item in items])
    if not moves:
        raise ActionError(
            f"The plan of cluster {cluster_id} has moved nothing that could be undone", cluster_id
        )
    back = replace(
        plan,
        request=plan.request + 1,
        user_id=session.user_id,
        state=PlanState.READY,
        since=tx.now,
        message="brings VMs back",
        report={},
    )
    table.put_plan(tx, back, [(move, datastores[move.vm_id]) for move in moves])
    return cluster_id


def _info(tx: Snapshot, session: Session, cluster_id: int) -> str:
    plan = _plan(tx, cluster_id)
    report = plan.report
    reasons = [row["reason"] for row in report.get("moves", [])]
    return json.dumps(
        {
            **report,
            "cluster_id": cluster_id,
            "request": plan.request,
            "state": plan.state.name,
            "message": plan.message,
            "since": plan.since,
            "live": plan.live,
            "moves": [
                {
                    "number": item.move.number,
                    "vm_id": item.move.vm_id,
                    "source_id": item.move.source_id,
                    "target_id": item.move.target_id,
                    "state": item.move.state.name,
                    "message": item.message,
                    "reason": reasons[item.move.number] if reasons else "back to where it was",
                    **_names(tx, item.move),
                }
                for item in table.moves_of(tx, cluster_id)
            ],
        }
    )


def _names(tx: Snapshot, move: Move) -> dict[str, str]:
    """Return the names of the VM and the hosts as they are now; ids in place of what is gone."""
    found = {}
    for key, kind, object_id in (
        ("name", "vm", move.vm_id),
        ("source", "host", move.source_id),
        ("target", "host", move.target_id),
    ):
        row = tx.one(f"SELECT name FROM {kind} WHERE id = ?", (object_id,))
        found[key] = str(row[0]) if row is not None else str(object_id)
    return found
