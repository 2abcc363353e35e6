"""Packing by emptying one host after the other into those that stay in use."""

from __future__ import annotations

from bisect import bisect_left, insort

from opennebula_core.scheduling.rebalancing.objective import move_cost
from opennebula_core.scheduling.rebalancing.problem import Guest, Layout, Problem


def pack(problem: Problem) -> Layout:
    """Return a layout on fewer hosts, within the limit of moves.

    Hosts are emptied whole or not at all, those first that cost least; one that took VMs stays in use.
    """
    return _Search(problem).run()


class _Search:
    """The hosts in use by free memory, kept in order while VMs move."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._layout = Layout.of(problem)
        self._count = 0
        self._has_taken: set[int] = set()
        self._by_room = sorted(
            (self._free_kib(machine.id), machine.id)
            for machine in problem.machines
            if machine.takes and self._layout.is_used(machine.id)
        )

    def run(self) -> Layout:
        """Empty what can be emptied."""
        for host_id in self._candidates():
            if host_id not in self._has_taken:
                self._empty(host_id)
        return self._layout

    def _candidates(self) -> list[int]:
        """Return the hosts that might become empty, the cheapest first."""
        prices = {
            machine.id: sum(map(move_cost, self._layout.guests_on[machine.id].values()))
            for machine in self._problem.machines
            if self._layout.guests_on[machine.id] and machine.id not in self._problem.held
        }
        return sorted(prices, key=lambda host_id: (prices[host_id], host_id))

    def _empty(self, host_id: int) -> None:
        guests = list(self._layout.guests_on[host_id].values())
        if not self._problem.allows(self._count + len(guests)) or sum(map(move_cost, guests)) >= 1:
            return
        entry = (self._free_kib(host_id), host_id)
        was_target = entry in self._by_room
        if was_target:
            self._by_room.remove(entry)
        moved = self._move_all(guests)
        if len(moved) == len(guests):
            self._count += len(moved)
            self._has_taken.update(self._layout.host_of[guest.id] for guest in moved)
            return
        for guest in reversed(moved):
            self._move(guest, host_id)
        if was_target:
            insort(self._by_room, entry)

    def _move_all(self, guests: list[Guest]) -> list[Guest]:
        """Move the VMs, large ones first, to where they fit most tightly; return those that were moved."""
        moved: list[Guest] = []
        for guest in sorted(guests, key=lambda guest: (-guest.asked.memory_kib, guest.id)):
            start = bisect_left(self._by_room, (guest.asked.memory_kib, -1))
            fitting = (host_id for _, host_id in self._by_room[start:] if self._layout.fits(guest, host_id))
            target_id = next(fitting, None)
            if target_id is None:
                break
            self._move(guest, target_id)
            moved.append(guest)
        return moved

    def _move(self, guest: Guest, target_id: int) -> None:
        touched = (self._layout.host_of[guest.id], target_id)
        present = [host_id for host_id in touched if (self._free_kib(host_id), host_id) in self._by_room]
        for host_id in present:
            self._by_room.remove((self._free_kib(host_id), host_id))
        self._layout.move(guest, target_id)
        for host_id in present:
            insort(self._by_room, (self._free_kib(host_id), host_id))

    def _free_kib(self, host_id: int) -> float:
        machine = self._problem.machine_by_id[host_id]
        return machine.room.memory_kib - self._layout.asked[host_id].memory_kib
