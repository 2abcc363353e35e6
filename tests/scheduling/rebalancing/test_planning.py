from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opennebula_core.errors import PluginError
from opennebula_core.model.rebalancing import Move
from opennebula_core.scheduling.rebalancing import planning
from opennebula_core.scheduling.rebalancing.balancing import balance
from opennebula_core.scheduling.rebalancing.exact import solve
from opennebula_core.scheduling.rebalancing.objective import cost, hosts_in_use, imbalance
from opennebula_core.scheduling.rebalancing.packing import pack
from opennebula_core.scheduling.rebalancing.planning import Solver, find_plan
from opennebula_core.scheduling.rebalancing.problem import Goal, Layout, Problem

from .clusters import cluster, guest, machine, make_large_cluster

HEURISTICS = {Goal.BALANCE: balance, Goal.PACK: pack}
LIMIT_S = 30.0


@st.composite
def small_clusters(draw: st.DrawFn) -> Problem:
    """Return a cluster of a few hosts and VMs, with hosts that are full, closed or held."""
    machines = [
        machine(number, cpu=draw(st.sampled_from((200, 400, 800))), takes=draw(st.integers(0, 5)) > 0)
        for number in range(draw(st.integers(2, 4)))
    ]
    ids = [item.id for item in machines]
    count = draw(st.integers(1, 7))
    rivals = draw(st.frozensets(st.integers(0, count - 1), max_size=3))
    guests = [
        guest(
            number,
            draw(st.sampled_from(ids)),
            cpu=draw(st.sampled_from((0, 50, 100, 150))),
            gib=draw(st.integers(0, 3)),
            targets=draw(st.frozensets(st.sampled_from(ids))),
            apart=rivals - {number} if number in rivals else frozenset(),
        )
        for number in range(count)
    ]
    held = draw(st.lists(st.sampled_from(ids), max_size=1))
    return cluster(
        machines,
        guests,
        goal=draw(st.sampled_from(Goal)),
        max_moves=draw(st.integers(0, 3)),
        held=held,
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(small_clusters())
def test_both_solvers_keep_to_the_rules_and_the_exact_one_is_never_worse(problem: Problem) -> None:
    exact = solve(problem, LIMIT_S)
    assert exact is not None
    assert cost(exact) <= cost(HEURISTICS[problem.goal](problem)) + 1e-6
    for solver in (Solver.EXACT, Solver.HEURISTIC):
        found = find_plan(problem, solver, LIMIT_S)
        assert cost(found.after) <= cost(found.before)
        assert problem.allows(len(found.way.moves))
        assert len(found.reasons) == len(found.way.moves)
        _check_each_step(problem, found.way.moves)


def _check_each_step(problem: Problem, moves: Sequence[Move]) -> None:
    layout = Layout.of(problem)
    for number, move in enumerate(moves):
        who = problem.guest_by_id[move.vm_id]
        assert (move.number, move.source_id) == (number, layout.host_of[who.id])
        assert layout.fits(who, move.target_id)
        layout.move(who, move.target_id)


def test_a_full_host_is_relieved_with_the_fewest_moves() -> None:
    guests = [guest(number, 0, cpu=100, gib=1) for number in range(4)]
    for solver in (Solver.EXACT, Solver.HEURISTIC):
        found = find_plan(cluster([machine(0), machine(1)], guests), solver)
        assert len(found.way.moves) == 2
        assert imbalance(found.after) == pytest.approx(0)
        assert found.reasons[0] == "cpu of source 100% to 75%, of target 0% to 25%"


def test_packing_empties_whole_hosts_or_leaves_them_alone() -> None:
    machines = [machine(number) for number in range(3)]
    guests = [guest(0, 0, cpu=100), guest(1, 1, cpu=100), guest(2, 2, cpu=350), guest(3, 1, cpu=100)]
    for solver in (Solver.EXACT, Solver.HEURISTIC):
        found = find_plan(cluster(machines, guests, goal=Goal.PACK), solver)
        assert (hosts_in_use(found.before), hosts_in_use(found.after)) == (3, 2)
        assert [(move.vm_id, move.target_id) for move in found.way.moves] == [(0, 1)]
        assert found.reasons == ["empties host0"]


def test_a_balanced_cluster_is_left_alone() -> None:
    found = find_plan(cluster([machine(0), machine(1)], [guest(0, 0), guest(1, 1)]), Solver.HEURISTIC)
    assert not found.way.moves
    assert not found.way.left_out


def test_a_large_cluster_is_balanced_and_packed_by_the_heuristic() -> None:
    started_s = time.monotonic()
    for goal in Goal:
        problem = make_large_cluster(hosts=200, vms=2_000, goal=goal)
        found = find_plan(problem, Solver.AUTO)
        assert found.solver is Solver.HEURISTIC
        _check_each_step(problem, found.way.moves)
        assert cost(found.after) < 0.6 * cost(found.before)
    assert time.monotonic() < started_s + LIMIT_S


def test_the_exact_solver_is_asked_for_by_its_name_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(planning, "find_spec", lambda _name: None)
    problem = cluster([machine(0), machine(1)], [guest(0, 0), guest(1, 0)])
    with pytest.raises(PluginError, match=r"pip install 'opennebula-core\[optimize\]'"):
        find_plan(problem, Solver.EXACT)
    assert find_plan(problem, Solver.AUTO).solver is Solver.HEURISTIC
