"""The tests that a host must pass to take a VM, for any policy, in OpenNebula's order."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Final

from opennebula_core.contracts.matchmaking.conditions import STANDARD_CONDITIONS, Conditions, HostCondition
from opennebula_core.contracts.matchmaking.matching import Matcher
from opennebula_core.contracts.matchmaking.round import Filtered, Round
from opennebula_core.contracts.matchmaking.views import HostView, PendingVm
from opennebula_core.errors import ExpressionError

CURRENT_HOST: Final = "is where the VM runs already"
NOT_ALLOWED: Final = "the owner may not use (no MANAGE right)"
NOT_ENABLED: Final = "not enabled or not monitored"
AUTOMATIC: Final = "AUTOMATIC_REQUIREMENTS not met (clusters of its datastores and networks)"
REQUIREMENTS: Final = "SCHED_REQUIREMENTS not met"
CPU: Final = "not enough free CPU"
MEMORY: Final = "not enough free memory"
TEAM: Final = "closed to VM {}, which is to be on the same host: {}"


class HostFilter:
    """Sorts hosts by state, rights, requirements and capacity.

    Each host is rejected for the first test it fails: current host (of a VM to be rescheduled), the
    owner's right, state, automatic requirements, the user's requirements, CPU, memory, and further
    conditions (see :mod:`opennebula_core.contracts.matchmaking.conditions`).
    """

    def __init__(self, matcher: Matcher, conditions: Sequence[HostCondition] = STANDARD_CONDITIONS) -> None:
        self._matcher = matcher
        self._conditions = Conditions(conditions)

    def stakes(self, vm: PendingVm, round: Round) -> tuple[Hashable, ...]:
        """Return what the outcome depends on besides the VM's kind and single hosts; mostly nothing."""
        return self._conditions.stakes(vm, round)

    def filter(self, vm: PendingVm, hosts: Sequence[HostView], round: Round) -> Filtered:
        """Return the hosts that can take the VM now, and why the others cannot."""
        accepted, rejected = self._suitable(vm, hosts, round)
        with_room: list[HostView] = []
        for host in accepted:
            if not round.fits_cpu(vm, host):
                rejected[host.id] = CPU
            elif not round.fits_memory(vm, host):
                rejected[host.id] = MEMORY
            else:
                with_room.append(host)
        failed = self._conditions.reject(vm, with_room, round, with_room=True)
        return Filtered(_without(failed, with_room), rejected | failed)

    def suitable(
        self, vm: PendingVm, hosts: Sequence[HostView], round: Round
    ) -> tuple[Sequence[HostView], dict[int, str]]:
        """Return the hosts that could take the VM if they had room, and why the others could not."""
        accepted, rejected = self._suitable(vm, hosts, round)
        failed = self._conditions.reject(vm, accepted, round, with_room=False)
        return _without(failed, accepted), rejected | failed

    def _suitable(
        self, vm: PendingVm, hosts: Sequence[HostView], round: Round
    ) -> tuple[Sequence[HostView], dict[int, str]]:
        left, rejected = self._open(vm, hosts, round)
        return self._open_to_team(vm, left, round, rejected), rejected

    def _open(
        self, vm: PendingVm, hosts: Sequence[HostView], round: Round
    ) -> tuple[Sequence[HostView], dict[int, str]]:
        rejected: dict[int, str] = {}
        open_to_vm: list[HostView] = []
        for host in hosts:
            if vm.resched and host.id == vm.host_id:
                rejected[host.id] = CURRENT_HOST
            elif not round.cloud.access.may_manage_host(vm, host):
                rejected[host.id] = NOT_ALLOWED
            elif not host.is_enabled:
                rejected[host.id] = NOT_ENABLED
            else:
                open_to_vm.append(host)
        left = self._meeting(vm.automatic_requirements, AUTOMATIC, open_to_vm, round, rejected)
        return self._meeting(vm.requirements, REQUIREMENTS, left, round, rejected), rejected

    def _open_to_team(
        self, vm: PendingVm, hosts: Sequence[HostView], round: Round, rejected: dict[int, str]
    ) -> Sequence[HostView]:
        """Return the hosts that all VMs may go to which the VM leads there, one of each kind asked for it."""
        members = {
            member.id if member.kind is None else member.kind: member for member in round.affinity.team(vm)
        }
        members.pop(vm.kind, None)
        for member in members.values():
            hosts, failed = self._open(member, hosts, round)
            rejected.update((host_id, TEAM.format(member.id, why)) for host_id, why in failed.items())
        return hosts

    def _meeting(
        self,
        text: str,
        condition: str,
        hosts: Sequence[HostView],
        round: Round,
        rejected: dict[int, str],
    ) -> Sequence[HostView]:
        """Return the hosts that meet a requirement; note the condition for the others."""
        if not text:
            return hosts
        try:
            met = self._matcher.accepts(text, hosts, round)
        except ExpressionError as error:
            name = condition.partition(" ")[0]
            rejected.update((host.id, f"{name} does not parse ({error})") for host in hosts)
            return ()
        rejected.update((host.id, condition) for host, is_met in zip(hosts, met, strict=True) if not is_met)
        return [host for host, is_met in zip(hosts, met, strict=True) if is_met]


def _without(failed: Mapping[int, str], hosts: Sequence[HostView]) -> Sequence[HostView]:
    return [host for host in hosts if host.id not in failed] if failed else hosts
