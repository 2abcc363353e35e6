"""The order of moves in which every intermediate state fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from opennebula_core.model.rebalancing import Move
from opennebula_core.scheduling.rebalancing.objective import move_cost
from opennebula_core.scheduling.rebalancing.problem import Goal, Guest, Layout, Problem

NO_WAY = "no order of moves leaves room for it on the way, and no spare host could take it meanwhile"
NOT_EMPTIED = "its host would not become empty, for another VM there cannot move"


@dataclass(frozen=True, slots=True)
class Way:
    """Moves in order, and the VMs that cannot get where they should, each with the reason."""

    moves: Sequence[Move]
    left_out: Mapping[int, str]


def order_moves(problem: Problem, targets: Mapping[int, int]) -> Way:
    """Return a way to bring VMs to hosts, each move into room that is there at that moment.

    VMs that wait for each other in a circle are led over a spare host, if there is one and the limit of
    moves allows it; else some are left out.

    :param targets: VM id -> host id
    """
    wanted, left_out = dict(targets), dict[int, str]()
    while True:
        walk = _Walk(problem, wanted)
        walk.run()
        left_out.update((vm_id, NO_WAY) for vm_id in walk.stuck)
        kept = {vm_id: host_id for vm_id, host_id in wanted.items() if vm_id not in walk.stuck}
        if problem.goal is Goal.PACK:
            pointless = _pointless(problem, kept)
            left_out.update((vm_id, NOT_EMPTIED) for vm_id in pointless)
            kept = {vm_id: host_id for vm_id, host_id in kept.items() if vm_id not in pointless}
        if kept.keys() == wanted.keys():
            return Way(walk.moves, left_out)
        wanted = kept  # one that is left out keeps its room: the others are ordered again without it


def _pointless(problem: Problem, targets: Mapping[int, int]) -> set[int]:
    """Return the VMs that leave a host on which others stay, or to which others go."""
    arriving = set(targets.values())
    layout = Layout.of(problem)
    return {
        vm_id
        for vm_id in targets
        if (source_id := problem.guest_by_id[vm_id].host_id) in problem.held | arriving
        or not layout.guests_on[source_id].keys() <= targets.keys()
    }


class _Walk:
    """One attempt to make all moves."""

    def __init__(self, problem: Problem, targets: Mapping[int, int]) -> None:
        self.moves: list[Move] = []
        self.stuck: set[int] = set()
        self._problem = problem
        self._layout = Layout.of(problem)
        self._targets = dict(targets)

    def run(self) -> None:
        """Make moves until all are made, or none that is left can be made."""
        waiting = [self._problem.guest_by_id[vm_id] for vm_id in self._targets]
        waiting.sort(key=lambda guest: (-guest.asked.memory_kib, guest.id))
        detours: set[int] = set()
        while waiting:
            left = [guest for guest in waiting if not self._make(guest, self._targets[guest.id])]
            if len(left) == len(waiting) and not self._detour(left, detours):
                self.stuck = {guest.id for guest in left}
                return
            waiting = left

    def _make(self, guest: Guest, target_id: int) -> bool:
        if not self._layout.fits(guest, target_id):
            return False
        source_id = self._layout.host_of[guest.id]
        self.moves.append(Move(len(self.moves), guest.id, source_id, target_id))
        self._layout.move(guest, target_id)
        return True

    def _detour(self, waiting: Iterable[Guest], detours: set[int]) -> bool:
        """Lead one VM, the cheapest that can, to a spare host for a while; return False when none can."""
        if not self._problem.allows(len(self.moves) + len(list(waiting)) + 1):
            return False
        for guest in sorted(waiting, key=lambda guest: (move_cost(guest), guest.id)):
            if guest.id in detours:
                continue
            for host_id in sorted(guest.targets - {self._layout.host_of[guest.id]}):
                if self._make(guest, host_id):
                    detours.add(guest.id)
                    return True
        return False
