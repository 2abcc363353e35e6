"""Balancing by moving the best VM of the fullest host, again and again: fast for any size of cluster."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from itertools import islice
from typing import Final

from opennebula_core.scheduling.rebalancing.objective import deviation, move_cost
from opennebula_core.scheduling.rebalancing.problem import Guest, Layout, Problem

TARGETS_TRIED: Final = 24
"""Hosts tried for a VM, those with the least load first."""
LEAST_GAIN: Final = 1e-9


def balance(problem: Problem) -> Layout:
    """Return a layout that is better balanced, within the limit of moves; each VM moves once at most."""
    search = _Search(problem)
    while problem.allows(search.count + 1) and search.step():
        pass
    return search.layout


class _Search:
    """The hosts by load, kept in order while VMs move."""

    def __init__(self, problem: Problem) -> None:
        self.layout = Layout.of(problem)
        self.count = 0
        self._problem = problem
        self._by_load = sorted((self._load(machine.id), machine.id) for machine in problem.machines)
        self._fullest = [(-load, host_id) for load, host_id in self._by_load]
        heapify(self._fullest)

    def step(self) -> bool:
        """Make the best move of the fullest host that has one; return False when there is none."""
        while self._fullest:
            load, host_id = heappop(self._fullest)
            if -load != self._load(host_id):  # it has changed since, and stands elsewhere in the heap
                continue
            best = min(self._moves(host_id), default=None)
            if best is None or best[0] >= -LEAST_GAIN:
                continue
            _, vm_id, target_id = best
            self._move(self._problem.guest_by_id[vm_id], target_id)
            return True
        return False

    def _load(self, host_id: int) -> float:
        return sum(self.layout.share(host_id, resource) for resource in self._problem.resources)

    def _moves(self, host_id: int) -> Iterator[tuple[float, int, int]]:
        """Give for each move what it changes of the cost, the VM and the target."""
        before = deviation(self._problem, host_id, self.layout.load[host_id])
        for guest in self.layout.guests_on[host_id].values():
            if self.layout.is_moved(guest):
                continue
            without = self.layout.load[host_id].plus(guest.load, -1)
            left = deviation(self._problem, host_id, without) - before + move_cost(guest)
            for target_id in islice(self._targets(guest), TARGETS_TRIED):
                load = self.layout.load[target_id]
                with_it = deviation(self._problem, target_id, load.plus(guest.load))
                yield left + with_it - deviation(self._problem, target_id, load), guest.id, target_id

    def _targets(self, guest: Guest) -> Iterator[int]:
        return (host_id for _, host_id in self._by_load if self.layout.fits(guest, host_id))

    def _move(self, guest: Guest, target_id: int) -> None:
        touched = (self.layout.host_of[guest.id], target_id)
        for host_id in touched:
            del self._by_load[bisect_left(self._by_load, (self._load(host_id), host_id))]
        self.layout.move(guest, target_id)
        self.count += 1
        for host_id in touched:
            load = self._load(host_id)
            insort(self._by_load, (load, host_id))
            heappush(self._fullest, (-load, host_id))
