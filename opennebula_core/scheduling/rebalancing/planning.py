"""From a problem to a plan that people can judge: solver, order, figures before and after, reasons."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from typing import Any, Final

from opennebula_core.errors import PluginError
from opennebula_core.model.rebalancing import Move
from opennebula_core.scheduling.rebalancing.balancing import balance
from opennebula_core.scheduling.rebalancing.objective import cost, hosts_in_use
from opennebula_core.scheduling.rebalancing.ordering import Way, order_moves
from opennebula_core.scheduling.rebalancing.packing import pack
from opennebula_core.scheduling.rebalancing.problem import Goal, Layout, Problem, Resource

LOG = logging.getLogger(__name__)

EXACT_PAIRS: Final = 2_000
"""Pairs of VM and host up to which the exact solver is taken by itself: seconds at most."""
DEFAULT_LIMIT_S: Final = 20.0


class Solver(StrEnum):
    """How a plan is found."""

    AUTO = "auto"
    EXACT = "exact"
    HEURISTIC = "heuristic"


@dataclass(frozen=True, slots=True)
class Found:
    """A plan as it was found.

    :param solver: which one found it
    :param reasons: for each move, in order
    """

    problem: Problem
    solver: Solver
    way: Way
    before: Layout
    after: Layout
    reasons: Sequence[str]


def find_plan(problem: Problem, solver: Solver = Solver.AUTO, limit_s: float = DEFAULT_LIMIT_S) -> Found:
    """Return the best plan that was found; one without moves when nothing is worth moving.

    :param limit_s: for the exact solver
    :raises PluginError: the exact solver was asked for and is not installed
    """
    chosen = _choose(problem, solver)
    ways = [(Solver.HEURISTIC, _ordered(problem, _heuristic(problem)))]
    if chosen is Solver.EXACT:
        layout = _exact_solver()(problem, limit_s)
        if layout is not None:
            ways.insert(0, (Solver.EXACT, _ordered(problem, layout)))
    best, way = min(ways, key=lambda item: cost(Layout.after(problem, item[1].moves)))
    return Found(
        problem, best, way, Layout.of(problem), Layout.after(problem, way.moves), _reasons(problem, way.moves)
    )


def has_exact_solver() -> bool:
    """Whether the extra that brings it is installed."""
    return find_spec("highspy") is not None


def _choose(problem: Problem, solver: Solver) -> Solver:
    if solver is Solver.EXACT and not has_exact_solver():
        raise PluginError(
            "optimise with the exact solver: highspy is not installed; "
            "install it with: pip install 'opennebula-core[optimize]', or use --solver heuristic"
        )
    if solver is not Solver.AUTO:
        return solver
    is_small = len(problem.machines) * len(problem.guests) <= EXACT_PAIRS
    return Solver.EXACT if is_small and has_exact_solver() else Solver.HEURISTIC


def _exact_solver() -> Callable[[Problem, float], Layout | None]:
    # Loaded when it is needed: highspy comes with an extra.
    module: Any = importlib.import_module("opennebula_core.scheduling.rebalancing.exact")
    found: Callable[[Problem, float], Layout | None] = module.solve
    return found


def _heuristic(problem: Problem) -> Layout:
    return pack(problem) if problem.goal is Goal.PACK else balance(problem)


def _ordered(problem: Problem, layout: Layout) -> Way:
    way = order_moves(problem, {guest.id: layout.host_of[guest.id] for guest in layout.moved()})
    is_worth_it = cost(Layout.after(problem, way.moves)) < cost(Layout.of(problem))
    return way if is_worth_it else Way((), way.left_out)


def _reasons(problem: Problem, moves: Sequence[Move]) -> list[str]:
    """Return for each move what it is good for, as things stand when its turn comes."""
    layout, last = Layout.of(problem), Layout.after(problem, moves)
    reasons = []
    for move in moves:
        source = problem.machine_by_id[move.source_id].name
        resource = _scarcest(layout, move.source_id)
        before = [layout.share(host_id, resource) for host_id in (move.source_id, move.target_id)]
        layout.move(problem.guest_by_id[move.vm_id], move.target_id)
        after = [layout.share(host_id, resource) for host_id in (move.source_id, move.target_id)]
        if move.target_id != last.host_of[move.vm_id]:
            reasons.append("waits there until its host has room")
        elif problem.goal is Goal.PACK and not last.is_used(move.source_id):
            reasons.append(f"empties {source}")
        else:
            shares = [f"{old:.0%} to {new:.0%}" for old, new in zip(before, after, strict=True)]
            reasons.append(f"{resource} of source {shares[0]}, of target {shares[1]}")
    return reasons


def _scarcest(layout: Layout, host_id: int) -> Resource:
    resources = layout.problem.resources or tuple(Resource)
    return max(resources, key=lambda resource: layout.share(host_id, resource))


def figures(layout: Layout) -> dict[str, object]:
    """Return what a layout looks like: hosts in use, and of each resource the least and largest share."""
    shares: Mapping[Resource, list[float]] = {
        resource: [layout.share(machine.id, resource) for machine in layout.problem.machines]
        for resource in Resource
    }
    return {
        "hosts_in_use": hosts_in_use(layout),
        **{
            f"{resource}_{word}_percent": round(100 * chosen(values), 1) if values else 0.0
            for resource, values in shares.items()
            for word, chosen in (("least", min), ("most", max), ("spread", _spread))
        },
    }


def _spread(values: Sequence[float]) -> float:
    """Return the mean distance from the mean."""
    mean = sum(values) / len(values)
    return sum(abs(value - mean) for value in values) / len(values)
