"""Conditions of groups of VMs, as :class:`HostFilter` asks them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Final

from opennebula_core.contracts.matchmaking.round import Round
from opennebula_core.contracts.matchmaking.views import HostView, PendingVm

TEAM_CPU: Final = "not enough free CPU for all VMs that are to be together"
TEAM_MEMORY: Final = "not enough free memory for all VMs that are to be together"


class GroupCondition:
    """What the roles of the VM's groups demand."""

    needs_room = False

    def stake(self, vm: PendingVm, round: Round) -> Hashable:
        """Return what the VM's hosts depend on, None when it is in no group."""
        return round.affinity.stake(vm)

    def reject(self, vm: PendingVm, hosts: Sequence[HostView], round: Round) -> Mapping[int, str]:
        """Return the hosts that its groups forbid."""
        return round.affinity.reject(vm, hosts)


class TeamRoomCondition:
    """Room for all the VMs that the VM leads to its host."""

    needs_room = True

    def stake(self, vm: PendingVm, round: Round) -> Hashable:
        """Return who is led, None when nobody is."""
        return tuple(member.id for member in round.affinity.team(vm)) or None

    def reject(self, vm: PendingVm, hosts: Sequence[HostView], round: Round) -> Mapping[int, str]:
        """Return the hosts that have no room for the sum of their needs."""
        everybody = round.affinity.with_team(vm)
        rejected: dict[int, str] = {}
        for host in hosts:
            if not round.fits_cpu(everybody, host):
                rejected[host.id] = TEAM_CPU
            elif not round.fits_memory(everybody, host):
                rejected[host.id] = TEAM_MEMORY
        return rejected
