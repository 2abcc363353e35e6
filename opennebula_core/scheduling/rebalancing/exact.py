"""The best layout there is, as a mixed-integer program that HiGHS solves. The only importer of highspy."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import combinations
from typing import Any, Final

import highspy

from opennebula_core.scheduling.rebalancing.objective import move_cost
from opennebula_core.scheduling.rebalancing.problem import Amount, Goal, Guest, Layout, Problem, Resource

LOG = logging.getLogger(__name__)

THREADS: Final = 2
CHOSEN: Final = 0.5
"""A binary variable is 1 above this: solvers keep to whole numbers only within a tolerance."""


def solve(problem: Problem, limit_s: float) -> Layout | None:
    """Return the layout of the lowest cost, or the best that was found in time; None when none was.

    Whether a way leads there move by move is not asked here.
    """
    return _Program(problem).solve(limit_s)


class _Program:
    """The variables: where each VM is, and which host is in use or how far from the level."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._here = Layout.of(problem)
        self._highs = highspy.Highs()  # type: ignore[no-untyped-call] # its constructor has no types
        self._highs.setOptionValue("output_flag", False)
        self._highs.setOptionValue("threads", THREADS)
        self._highs.setOptionValue("mip_rel_gap", 0.0)
        self._at: dict[tuple[int, int], Any] = {}
        self._on: dict[int, list[tuple[Guest, Any]]] = {machine.id: [] for machine in problem.machines}
        for guest in problem.guests:
            self._add_guest(guest)
        self._keep_room()
        self._keep_apart()

    def solve(self, limit_s: float) -> Layout | None:
        """Minimise the cost."""
        wanted = self._hosts_in_use() if self._problem.goal is Goal.PACK else self._deviations()
        moves = [(guest, 1 - self._at[guest.id, guest.host_id]) for guest in self._problem.guests]
        if self._problem.max_moves and moves:
            self._highs.addConstr(self._highs.qsum([away for _, away in moves]) <= self._problem.max_moves)
        price = self._highs.qsum([move_cost(guest) * away for guest, away in moves])
        self._highs.setOptionValue("time_limit", limit_s)
        self._highs.minimize(wanted + price)
        status = self._highs.getModelStatus()
        if self._highs.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            LOG.warning("exact solver: no layout found in %g s (%s)", limit_s, status)
            return None
        if status != highspy.HighsModelStatus.kOptimal:
            LOG.warning("exact solver: the best of %g s, perhaps not the best there is", limit_s)
        return self._layout()

    def _add_guest(self, guest: Guest) -> None:
        takes = {host_id for host_id in guest.targets if self._problem.machine_by_id[host_id].takes}
        chosen = []
        for host_id in sorted(takes | {guest.host_id}):
            variable = self._highs.addBinary()
            self._at[guest.id, host_id] = variable
            self._on[host_id].append((guest, variable))
            chosen.append(variable)
        self._highs.addConstr(self._highs.qsum(chosen) == 1)

    def _keep_room(self) -> None:
        """Fill no host beyond its room; one that is fuller already may stay as it is."""
        for machine in self._problem.machines:
            asked, inside = self._without_guests(machine.asked, machine.id), self._on[machine.id]
            for resource in Resource:
                terms = [guest.asked.of(resource) * at for guest, at in inside if guest.asked.of(resource)]
                if terms:
                    most = max(machine.room.of(resource), machine.asked.of(resource))
                    self._highs.addConstr(self._highs.qsum(terms) <= most - asked.of(resource))

    def _keep_apart(self) -> None:
        fixed = {vm.id: vm.host_id for vm in self._problem.staying}
        for guest in self._problem.guests:
            for host_id in {fixed[vm_id] for vm_id in guest.apart if vm_id in fixed} - {guest.host_id}:
                if (guest.id, host_id) in self._at:
                    self._highs.addConstr(self._at[guest.id, host_id] <= 0)
        for host_id, inside in self._on.items():
            for (one, at), (other, other_at) in combinations(inside, 2):
                is_apart = other.id in one.apart or one.id in other.apart
                if is_apart and not one.host_id == other.host_id == host_id:
                    self._highs.addConstr(at + other_at <= 1)

    def _hosts_in_use(self) -> Any:
        used = []
        for host_id, inside in self._on.items():
            if host_id in self._problem.held or not inside:
                continue
            variable = self._highs.addBinary()
            used.append(variable)
            for _, at in inside:
                self._highs.addConstr(at <= variable)
        return self._highs.qsum(used) + len(self._problem.held)

    def _deviations(self) -> Any:
        return self._highs.qsum(list(self._deviation_variables()))

    def _deviation_variables(self) -> Iterator[Any]:
        for machine in self._problem.machines:
            fixed = self._without_guests(machine.load, machine.id, is_load=True)
            for resource in self._problem.resources:
                room = machine.room.of(resource)
                if room <= 0:
                    continue
                variable = self._highs.addVariable(lb=0)
                terms = [guest.load.of(resource) / room * at for guest, at in self._on[machine.id]]
                share = self._highs.qsum(terms) if terms else self._highs.qsum([])
                offset = fixed.of(resource) / room - self._problem.level[resource]
                self._highs.addConstr(variable - share >= offset)
                self._highs.addConstr(variable + share >= -offset)
                yield variable

    def _without_guests(self, amount: Amount, host_id: int, *, is_load: bool = False) -> Amount:
        for guest in self._here.guests_on[host_id].values():
            amount = amount.plus(guest.load if is_load else guest.asked, -1)
        return amount

    def _layout(self) -> Layout:
        layout = Layout.of(self._problem)
        values = self._highs.vals(self._at)
        for (vm_id, host_id), value in values.items():
            if value > CHOSEN:
                layout.move(self._problem.guest_by_id[vm_id], host_id)
        return layout
