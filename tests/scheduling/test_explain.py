from __future__ import annotations

from opennebula_core.contracts.scheduler import RoleView, Round, SchedulerPolicy
from opennebula_core.model.states import HostState
from opennebula_core.scheduling.explain import explain, verdict_lines
from opennebula_core.testing.scheduler import (
    make_cloud,
    make_datastore,
    make_host,
    make_vm,
    make_vm_group,
    policy_context,
)


def test_hosts_that_can_take_the_vm_come_first_and_best_first() -> None:
    vm = make_vm(0, rank="SPEED", requirements="SPEED > 0", disk_mib=9)
    hosts = [
        make_host(0, SPEED=0),
        make_host(1, SPEED=5),
        make_host(2, SPEED=9),
        make_host(3, SPEED=9, cluster_id=100),
        make_host(4, state=HostState.DISABLED),
    ]
    cloud = make_cloud([vm], hosts, datastores=[make_datastore(6)])
    verdicts = explain(SchedulerPolicy(policy_context()), vm, Round(cloud, [vm]))
    assert [item.host_id for item in verdicts] == [2, 1, 3, 0, 4]
    assert [(item.rank, item.datastore_id) for item in verdicts[:2]] == [(9, 6), (5, 6)]
    assert [item.condition for item in verdicts[2:]] == [
        "no system datastore with enough room that the VM may use",
        "SCHED_REQUIREMENTS not met",
        "not enabled or not monitored",
    ]


def test_a_cloud_without_hosts_is_explained_too() -> None:
    vm = make_vm(0)
    verdicts = explain(SchedulerPolicy(policy_context()), vm, Round(make_cloud([vm], []), [vm]))
    assert verdict_lines(vm, verdicts)[-1] == "there are no hosts; register one with 'onehost create'"


def test_a_host_is_closed_by_the_vm_of_the_group_that_is_there() -> None:
    vm = make_vm(1, vm_group_id=0, role="db")
    group = make_vm_group(0, RoleView("db", "ANTI_AFFINED", vm_ids=frozenset({7, 8})))
    cloud = make_cloud(
        [vm], [make_host(0, vm_ids=[8]), make_host(1), make_host(2, vm_ids=[7])], vm_groups=[group]
    )
    verdicts = explain(SchedulerPolicy(policy_context()), vm, Round(cloud, [vm]))
    assert [(item.host_id, item.condition) for item in verdicts] == [
        (1, ""),
        (0, "anti-affine with VM 8"),
        (2, "anti-affine with VM 7"),
    ]
