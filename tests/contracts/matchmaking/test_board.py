from __future__ import annotations

from collections.abc import Sequence

from opennebula_core.contracts.matchmaking.board import Board
from opennebula_core.contracts.scheduler import (
    Filtered,
    HostView,
    Limits,
    PendingVm,
    Placement,
    Round,
    SchedulerPolicy,
    Unplaced,
)
from opennebula_core.testing.scheduler import (
    decide,
    make_cloud,
    make_host,
    make_round,
    make_vm,
    policy_context,
)


class CountingPolicy(SchedulerPolicy):
    """First fit that counts how many hosts it looked at."""

    looked_at = 0

    def filter(self, vm: PendingVm, hosts: Sequence[HostView], round: Round) -> Filtered:
        self.looked_at += len(hosts)
        return super().filter(vm, hosts, round)


def test_vms_of_one_kind_cost_one_look_at_all_hosts() -> None:
    policy = CountingPolicy(policy_context())
    vms = [make_vm(n, kind="web") for n in range(20)]
    decisions = decide(policy, make_cloud(vms, [make_host(n) for n in range(100)]))
    assert len(decisions) == 20
    assert policy.looked_at < 100 + 20


def test_a_kind_that_fits_nowhere_is_looked_at_once() -> None:
    policy = CountingPolicy(policy_context())
    vms = [make_vm(n, kind="big", cpu_percent=1000) for n in range(50)]
    decisions = decide(policy, make_cloud(vms, [make_host(n) for n in range(10)]))
    assert all(isinstance(item, Unplaced) for item in decisions)
    assert policy.looked_at == 10


def test_reasons_count_hosts_per_condition() -> None:
    policy = SchedulerPolicy(policy_context())
    hosts = [make_host(0, max_cpu_percent=50), make_host(1, max_cpu_percent=50)]
    [decision] = decide(policy, make_cloud([make_vm(0)], hosts))
    assert isinstance(decision, Unplaced)
    assert decision.reasons == {"not enough free CPU": 2}
    assert decision.message == "Cannot dispatch VM: not enough free CPU on 2 hosts"


def test_a_host_that_is_given_back_can_be_used_again() -> None:
    policy = SchedulerPolicy(policy_context())
    cloud = make_cloud([make_vm(0, kind=1), make_vm(1, kind=1)], [make_host(0, max_cpu_percent=100)])
    round = make_round(policy, cloud)
    board = Board(policy, cloud.vms[0], round)
    first = board.decide(cloud.vms[0])
    assert isinstance(first, Placement)
    round.settle(first)
    assert isinstance(board.decide(cloud.vms[1]), Unplaced)
    round.refuse(first)
    assert board.decide(cloud.vms[1]) == Placement(1, 0)


def test_a_host_at_its_limit_takes_no_more_in_the_round() -> None:
    policy = SchedulerPolicy(policy_context())
    vms = [make_vm(n, kind=1) for n in range(3)]
    decisions = decide(policy, make_cloud(vms, [make_host(0), make_host(1)]), limits=Limits(max_host=1))
    assert decisions[:2] == [Placement(0, 0), Placement(1, 1)]
    assert isinstance(decisions[2], Unplaced)
    assert decisions[2].reasons == {"limit of placements per round reached": 2}
