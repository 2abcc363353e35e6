"""Further tests of hosts beside requirements and room: what a VM asks for that most VMs do not."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Final, Protocol

from opennebula_core.contracts.matchmaking.round import Round
from opennebula_core.contracts.matchmaking.team import GroupCondition, TeamRoomCondition
from opennebula_core.contracts.matchmaking.views import HostView, PendingVm


class HostCondition(Protocol):
    """A test that joins the standard ones, such as devices of the host or what the VM's group says.

    VMs that have no stake in it cost one call of :meth:`stake` per kind. For the others :meth:`reject` is
    called once for all hosts that passed the tests before it, and again for the hosts on which the round
    booked something since: it has to answer from the host's view and ``round.booking(host)`` alone, and
    from what :meth:`stake` covers.
    """

    needs_room: bool
    """Whether it is about what is free now: policies that look further than now do not ask it then."""

    def stake(self, vm: PendingVm, round: Round) -> Hashable:
        """Return None when the VM is not concerned, else what the outcome depends on beyond its kind.

        Called before each decision; with another value than before all hosts are looked at again. A
        condition that depends on the VM's kind and on single hosts only returns ``True``.
        """

    def reject(self, vm: PendingVm, hosts: Sequence[HostView], round: Round) -> Mapping[int, str]:
        """Return the hosts (ids) that fail, each with what failed, so that "... on 3 hosts" may follow."""


STANDARD_CONDITIONS: Final[tuple[HostCondition, ...]] = (GroupCondition(), TeamRoomCondition())
"""Asked under every policy, in this order, behind CPU and memory; they keep nothing between rounds."""


class Conditions:
    """Some conditions, asked one after the other."""

    def __init__(self, conditions: Sequence[HostCondition] = STANDARD_CONDITIONS) -> None:
        self._conditions = tuple(conditions)

    def stakes(self, vm: PendingVm, round: Round) -> tuple[Hashable, ...]:
        """Return what the conditions' outcomes depend on for the VM; empty when it has no stake in any."""
        stakes = tuple(condition.stake(vm, round) for condition in self._conditions)
        return stakes if any(stake is not None for stake in stakes) else ()

    def reject(
        self, vm: PendingVm, hosts: Sequence[HostView], round: Round, *, with_room: bool
    ) -> dict[int, str]:
        """Return the hosts that fail a condition, each with the first that it fails.

        :param with_room: ask also those that are about what is free now
        """
        rejected: dict[int, str] = {}
        for condition in self._conditions:
            if (condition.needs_room and not with_room) or condition.stake(vm, round) is None:
                continue
            left = [host for host in hosts if host.id not in rejected]
            rejected.update(condition.reject(vm, left, round))
        return rejected
