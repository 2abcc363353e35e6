"""For authors of scheduler policies: clouds made by hand, rounds without a core, and the contract test.

::

    class TestMine(SchedulerContract):
        @pytest.fixture
        def policy(self) -> MyPolicy:
            return MyPolicy(policy_context())

    def test_big_vms_go_to_big_hosts() -> None:
        cloud = make_cloud([make_vm(0, cpu_percent=400)], [make_host(0), make_host(1, max_cpu_percent=800)])
        assert decide(MyPolicy(policy_context()), cloud) == [Placement(0, 1)]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from opennebula_core.contracts.driver import DriverContext
from opennebula_core.contracts.scheduler import (
    Cloud,
    DatastoreView,
    Decision,
    Extensions,
    HostView,
    Limits,
    Migration,
    PendingVm,
    Placement,
    Round,
    SchedulerPolicy,
    Unplaced,
)
from opennebula_core.model.states import HostState
from opennebula_core.testing.hand_made import (
    GIB,
    make_active_vm,
    make_cloud,
    make_datastore,
    make_host,
    make_vm,
    make_vm_group,
)

__all__ = [
    "GIB",
    "SchedulerContract",
    "decide",
    "make_active_vm",
    "make_cloud",
    "make_datastore",
    "make_host",
    "make_round",
    "make_vm",
    "make_vm_group",
    "policy_context",
]


def policy_context(name: str = "mine", **settings: str | int | float | bool) -> DriverContext:
    """Return what a policy is made with; options that are not given have their defaults."""
    return DriverContext(name=name, location=Path("/nowhere"), settings=settings)


def make_round(
    policy: SchedulerPolicy,
    cloud: Cloud,
    *,
    now: datetime | None = None,
    limits: Limits | None = None,
    extensions: Extensions | None = None,
) -> Round:
    """Return a round that is about to begin."""
    return Round(cloud, policy.collect(cloud), now=now, limits=limits, extensions=extensions)


def decide(
    policy: SchedulerPolicy,
    cloud: Cloud,
    *,
    now: datetime | None = None,
    limits: Limits | None = None,
    extensions: Extensions | None = None,
    refuses: Callable[[Decision], bool] = lambda _: False,
) -> list[Decision]:
    """Run a round as the scheduler process does, with a core that carries out what it does not refuse.

    :returns: the decisions, in order, without placements that were refused
    """
    round = make_round(policy, cloud, now=now, limits=limits, extensions=extensions)
    done: list[Decision] = []
    is_again = True
    while is_again:
        is_again = False
        made: list[Decision] = []
        for decision in policy.decide(round):
            round.settle(decision)
            made.append(decision)
        for decision in made:
            if isinstance(decision, Placement | Migration) and refuses(decision):
                policy.dispatched(decision, "refused")
                round.refuse(decision)
                is_again = True
            else:
                policy.dispatched(decision, "")
                done.append(decision)
    return done


class SchedulerContract:
    """What every policy has to keep; override the fixture ``policy``."""

    def test_a_vm_goes_to_a_host_with_room(self, policy: SchedulerPolicy) -> None:
        """The simplest case."""
        decisions = decide(policy, make_cloud([make_vm(7)], [make_host(3)]))
        assert [(item.vm_id, item.host_id) for item in decisions if isinstance(item, Placement)] == [(7, 3)]

    def test_a_vm_that_fits_nowhere_is_told_why(self, policy: SchedulerPolicy) -> None:
        """An unplaced VM has a message."""
        [decision] = decide(policy, make_cloud([make_vm(0, cpu_percent=900)], [make_host(0)]))
        assert isinstance(decision, Unplaced)
        assert decision.message

    def test_disabled_hosts_are_left_alone(self, policy: SchedulerPolicy) -> None:
        """Only monitored hosts take VMs."""
        hosts = [make_host(0, state=HostState.DISABLED), make_host(1, state=HostState.ERROR)]
        assert not _placed(decide(policy, make_cloud([make_vm(0)], hosts)))

    def test_hosts_that_the_owner_may_not_use_are_left_alone(self, policy: SchedulerPolicy) -> None:
        """Rights hold under every policy."""
        cloud = make_cloud([make_vm(0)], [make_host(0), make_host(1)], access=_Nothing())
        assert not _placed(decide(policy, cloud))

    def test_requirements_are_met(self, policy: SchedulerPolicy) -> None:
        """What the VM and the core require holds under every policy."""
        vm = make_vm(0, requirements="ID > 0", automatic_requirements="CLUSTER_ID = 100")
        hosts = [make_host(0, cluster_id=100), make_host(1), make_host(2, cluster_id=100)]
        assert _placed(decide(policy, make_cloud([vm], hosts))) == [(0, 2)]

    def test_hosts_are_not_filled_beyond_their_capacity(self, policy: SchedulerPolicy) -> None:
        """Bookings of the same round count."""
        hosts = [make_host(0, max_cpu_percent=200), make_host(1, max_cpu_percent=100)]
        placed = _placed(decide(policy, make_cloud([make_vm(n) for n in range(9)], hosts)))
        assert sorted(host_id for _, host_id in placed) == [0, 0, 1]

    def test_each_vm_is_decided_once(self, policy: SchedulerPolicy) -> None:
        """No VM is placed twice or forgotten."""
        vms = [make_vm(n) for n in range(5)]
        decisions = decide(policy, make_cloud(vms, [make_host(0, max_cpu_percent=300)]))
        told = [item.vm_id for item in decisions if isinstance(item, Placement | Unplaced)]
        assert sorted(told) == [0, 1, 2, 3, 4]

    def test_a_refused_placement_is_not_tried_again_in_the_round(self, policy: SchedulerPolicy) -> None:
        """The next host gets its chance."""
        asked: list[Decision] = []

        def refuses(decision: Decision) -> bool:
            asked.append(decision)
            return isinstance(decision, Placement) and decision.host_id == 0

        placed = _placed(
            decide(policy, make_cloud([make_vm(0)], [make_host(0), make_host(1)]), refuses=refuses)
        )
        assert placed == [(0, 1)]
        assert len(asked) == len(set(asked))

    def test_filters_of_plugins_are_asked(self, policy: SchedulerPolicy) -> None:
        """A plugin's veto holds for every policy."""
        placed = _placed(
            decide(policy, make_cloud([make_vm(0)], [make_host(0), make_host(1)]), extensions=_OnlyOdd())
        )
        assert placed == [(0, 1)]


class _Nothing:
    def may_manage_host(self, vm: PendingVm, host: HostView) -> bool:
        return False

    def may_use_datastore(self, vm: PendingVm, datastore: DatastoreView) -> bool:
        return False


class _OnlyOdd:
    def reject(self, vm: PendingVm, hosts: Sequence[HostView]) -> Mapping[int, str]:
        return {host.id: "even" for host in hosts if host.id % 2 == 0}

    def rank(self, vm: PendingVm, hosts: Sequence[HostView]) -> Sequence[float]:
        return [0.0] * len(hosts)


def _placed(decisions: Sequence[Decision]) -> list[tuple[int, int]]:
    return [(item.vm_id, item.host_id) for item in decisions if isinstance(item, Placement)]
