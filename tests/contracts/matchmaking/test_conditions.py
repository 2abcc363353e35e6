from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from opennebula_core.contracts.matchmaking.conditions import Conditions
from opennebula_core.contracts.matchmaking.hosts import HostFilter
from opennebula_core.contracts.matchmaking.matching import Matcher
from opennebula_core.contracts.scheduler import (
    Decision,
    HostCondition,
    HostView,
    PendingVm,
    Placement,
    Round,
    SchedulerPolicy,
    Unplaced,
)
from opennebula_core.testing.scheduler import decide, make_cloud, make_host, make_vm, policy_context


class OnlyEven:
    """Concerns VMs with a priority."""

    needs_room = False

    def stake(self, vm: PendingVm, round: Round) -> Hashable:
        return True if vm.priority else None

    def reject(self, vm: PendingVm, hosts: Sequence[HostView], round: Round) -> Mapping[int, str]:
        return {host.id: "odd" for host in hosts if host.id % 2}


class OneVmPerHost:
    """A quantity of which each host has one."""

    needs_room = True

    def stake(self, vm: PendingVm, round: Round) -> Hashable:
        return True

    def reject(self, vm: PendingVm, hosts: Sequence[HostView], round: Round) -> Mapping[int, str]:
        return {host.id: "taken" for host in hosts if round.booking(host).vm_ids}


class WhereTheFirstOneWent:
    """Holds VMs together: where one may go depends on where another went."""

    needs_room = False

    def stake(self, vm: PendingVm, round: Round) -> Hashable:
        return frozenset(round.touched)

    def reject(self, vm: PendingVm, hosts: Sequence[HostView], round: Round) -> Mapping[int, str]:
        used = set(round.touched)
        return {host.id: "elsewhere" for host in hosts if used and host.id not in used}


def decisions(
    condition: HostCondition, vms: Sequence[PendingVm], hosts: Sequence[HostView]
) -> list[Decision]:
    class Policy(SchedulerPolicy):
        """First fit with one condition more."""

        host_conditions = (condition,)

    return decide(Policy(policy_context()), make_cloud(vms, hosts))


def test_a_host_that_fails_a_condition_is_left_out_and_counted() -> None:
    [decision] = decisions(OnlyEven(), [make_vm(0, priority=1)], [make_host(1), make_host(3)])

    assert isinstance(decision, Unplaced)
    assert decision.reasons == {"odd": 2}


def test_vms_without_a_stake_are_not_asked_about() -> None:
    assert decisions(OnlyEven(), [make_vm(0)], [make_host(1)]) == [Placement(0, 1)]


def test_what_was_booked_counts_at_once() -> None:
    vms = [make_vm(number, kind=1) for number in range(3)]
    made = decisions(OneVmPerHost(), vms, [make_host(0), make_host(1)])

    assert made[:2] == [Placement(0, 0), Placement(1, 1)]
    assert isinstance(made[2], Unplaced)
    assert made[2].reasons == {"taken": 2}


def test_a_stake_that_changes_has_all_hosts_looked_at_again() -> None:
    vms = [make_vm(0, requirements="ID = 2"), make_vm(1, kind=1), make_vm(2, kind=1)]
    hosts = [make_host(number) for number in range(4)]

    assert decisions(WhereTheFirstOneWent(), vms, hosts) == [Placement(number, 2) for number in range(3)]


def test_what_is_about_room_is_not_asked_of_hosts_that_are_merely_suitable() -> None:
    vm, host = make_vm(0), make_host(0)
    round = Round(make_cloud([vm], [host]), [vm])
    round.settle(Placement(0, 0))
    hosts = HostFilter(Matcher(), [OneVmPerHost()])

    assert list(hosts.suitable(vm, [host], round)[0]) == [host]
    assert not hosts.filter(vm, [host], round).accepted


def test_the_first_condition_that_fails_is_the_one_that_is_said() -> None:
    vm, host = make_vm(0, priority=1), make_host(1)
    round = Round(make_cloud([vm], [host]), [vm])
    round.settle(Placement(0, 1))

    failed = Conditions([OnlyEven(), OneVmPerHost()]).reject(vm, [host], round, with_room=True)

    assert failed == {1: "odd"}
