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

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from opennebula_core.contracts.driver import DriverContext
from opennebula_core.contracts.matchmaking.views import OpenAccess
from opennebula_core.contracts.scheduler import (
    Access,
    ActiveVm,
    Cloud,
    ClusterView,
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
from opennebula_core.model.states import DatastoreState, HostState, LcmState, VmState
from opennebula_core.model.template import Template

KIB_PER_MIB: Final = 1024
GIB: Final = 1024 * KIB_PER_MIB
"""A GiB in KiB."""


def policy_context(name: str = "mine", **settings: str | int | float | bool) -> DriverContext:
    """Return what a policy is made with; options that are not given have their defaults."""
    return DriverContext(name=name, location=Path("/nowhere"), settings=settings)


def make_host(
    host_id: int,
    *,
    max_cpu_percent: int = 400,
    max_memory_kib: int = 8 * GIB,
    cpu_usage_percent: int = 0,
    memory_usage_kib: int = 0,
    state: HostState = HostState.MONITORED,
    cluster_id: int = 0,
    vm_ids: Sequence[int] = (),
    free_disk_mib: Mapping[int, int] | None = None,
    **attributes: str | int,
) -> HostView:
    """Return a host; further arguments are attributes that expressions see."""
    values = {
        "ID": host_id,
        "NAME": f"host{host_id:02}",
        "CLUSTER_ID": cluster_id,
        "RUNNING_VMS": len(vm_ids),
        "CPU_USAGE": cpu_usage_percent,
        "MEM_USAGE": memory_usage_kib,
        "FREE_CPU": max_cpu_percent - cpu_usage_percent,
        "FREE_MEMORY": max_memory_kib - memory_usage_kib,
        **attributes,
    }
    texts = {name: (str(value),) for name, value in values.items()}
    return HostView(
        id=host_id,
        name=f"host{host_id:02}",
        state=state,
        cluster_id=cluster_id,
        cluster="default",
        max_cpu_percent=max_cpu_percent,
        max_memory_kib=max_memory_kib,
        cpu_usage_percent=cpu_usage_percent,
        memory_usage_kib=memory_usage_kib,
        running_vms=len(vm_ids),
        vm_ids=frozenset(vm_ids),
        free_disk_mib=free_disk_mib or {},
        attributes=lambda name: texts.get(name, ()),
    )


def make_vm(
    vm_id: int,
    *,
    cpu_percent: int = 100,
    memory_kib: int = GIB,
    user_template: str = "",
    uid: int = 2,
    group_ids: Collection[int] = (1,),
    stime: int = 0,
    resched_from: int | None = None,
    kind: Hashable = None,
    **fields: str | int | float,
) -> PendingVm:
    """Return a waiting VM; further arguments are fields of :class:`PendingVm`.

    :param user_template: in template syntax; SCHED_ attributes are given as fields
    :param resched_from: the host it runs on and shall leave
    """
    return PendingVm(
        id=vm_id,
        name=f"vm{vm_id}",
        uid=uid,
        gid=1,
        group_ids=frozenset(group_ids),
        cpu_percent=cpu_percent,
        memory_kib=memory_kib,
        resched=resched_from is not None,
        host_id=-1 if resched_from is None else resched_from,
        stime=stime,
        user_template=Template.parse(user_template),
        kind=kind,
        **fields,  # type: ignore[arg-type]  # names and types are PendingVm's own
    )


def make_active_vm(
    vm_id: int,
    host_id: int,
    *,
    cpu_percent: int = 100,
    memory_kib: int = GIB,
    user_template: str = "",
    stime: int = 0,
    running_since: int = 0,
    state: VmState = VmState.ACTIVE,
    lcm_state: LcmState = LcmState.RUNNING,
) -> ActiveVm:
    """Return a VM that is on a host.

    :param running_since: epoch seconds; 0 when it does not run yet
    """
    return ActiveVm(
        id=vm_id,
        name=f"vm{vm_id}",
        uid=2,
        state=state,
        lcm_state=lcm_state,
        host_id=host_id,
        cpu_percent=cpu_percent,
        memory_kib=memory_kib,
        stime=stime,
        history_stime=running_since or stime,
        first_running_stime=running_since,
        template=Template(),
        user_template=Template.parse(user_template),
    )


def make_datastore(
    datastore_id: int,
    *,
    total_mib: int = 0,
    free_mib: int = 0,
    is_shared: bool = True,
    cluster_ids: Sequence[int] = (0,),
    state: DatastoreState = DatastoreState.READY,
    **attributes: str | int,
) -> DatastoreView:
    """Return a system datastore; further arguments are attributes that expressions see."""
    values = {"ID": datastore_id, "FREE_MB": free_mib, **attributes}
    texts = {name: (str(value),) for name, value in values.items()}
    return DatastoreView(
        id=datastore_id,
        name=f"ds{datastore_id}",
        uid=0,
        gid=0,
        permissions=0o660,
        state=state,
        cluster_ids=frozenset(cluster_ids),
        is_shared=is_shared,
        total_mib=total_mib,
        free_mib=free_mib,
        attributes=lambda name: texts.get(name, ()),
    )


def make_cloud(
    vms: Sequence[PendingVm],
    hosts: Sequence[HostView],
    *,
    datastores: Sequence[DatastoreView] = (),
    active_vms: Sequence[ActiveVm] = (),
    clusters: Mapping[int, ClusterView] | None = None,
    access: Access | None = None,
) -> Cloud:
    """Return a cloud; in one without system datastores their choice is left to the core."""
    return Cloud(
        vms=tuple(vms),
        hosts=tuple(sorted(hosts, key=lambda host: host.id)),
        datastores=tuple(datastores),
        clusters=clusters or {},
        active_vms=tuple(active_vms),
        access=access or OpenAccess(),
    )


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
