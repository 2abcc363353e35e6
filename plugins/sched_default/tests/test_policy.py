from __future__ import annotations

from collections.abc import Sequence

import pytest

from opennebula_core.contracts.scheduler import (
    Cloud,
    DatastoreView,
    Decision,
    HostView,
    Limits,
    Migration,
    PendingVm,
    Placement,
    Unplaced,
)
from opennebula_core.errors import ConfigError
from opennebula_core.model.states import DatastoreState, HostState
from opennebula_core.testing.scheduler import (
    GIB,
    decide,
    make_cloud,
    make_datastore,
    make_host,
    make_vm,
    policy_context,
)
from opennebula_sched_default import DefaultPolicy


def default_policy(**settings: str) -> DefaultPolicy:
    return DefaultPolicy(policy_context("default", **settings))


def hosts_of(decisions: Sequence[Decision]) -> list[int]:
    return [item.host_id for item in decisions if isinstance(item, Placement)]


def placed_on(cloud: Cloud, **settings: str) -> list[int]:
    return hosts_of(decide(default_policy(**settings), cloud))


def only_reason(cloud: Cloud) -> str:
    [decision] = decide(default_policy(), cloud)
    assert isinstance(decision, Unplaced)
    [reason] = decision.reasons
    return reason


def test_striping_spreads_a_burst_over_the_hosts() -> None:
    vms = [make_vm(n, kind=1) for n in range(6)]
    assert placed_on(make_cloud(vms, [make_host(n) for n in range(3)])) == [0, 1, 2, 0, 1, 2]


def test_packing_fills_one_host_before_the_next() -> None:
    vms = [make_vm(n, kind=1) for n in range(6)]
    cloud = make_cloud(vms, [make_host(0), make_host(1, vm_ids=[99])])
    assert placed_on(cloud, policy="packing") == [1, 1, 1, 1, 0, 0]


def test_load_aware_takes_the_host_with_most_free_cpu_and_counts_its_own_placements() -> None:
    hosts = [make_host(0, FREE_CPU=250), make_host(1, FREE_CPU=390)]
    vms = [make_vm(n, kind=1) for n in range(4)]
    assert placed_on(make_cloud(vms, hosts), policy="load-aware") == [1, 1, 0, 1]


def test_fixed_takes_the_host_with_the_highest_priority() -> None:
    hosts = [make_host(0, PRIORITY=1), make_host(1, PRIORITY=10), make_host(2)]
    assert placed_on(make_cloud([make_vm(0)], hosts), policy="fixed") == [1]


def test_a_custom_rank_decides_when_the_vm_brings_none() -> None:
    hosts = [make_host(0, CPUSPEED=2000), make_host(1, CPUSPEED=3000)]
    vms = [make_vm(0), make_vm(1, rank="- CPUSPEED")]
    assert placed_on(make_cloud(vms, hosts), policy="custom", rank="CPUSPEED") == [1, 0]


def test_an_unknown_word_in_an_option_is_refused() -> None:
    with pytest.raises(ConfigError, match="cold_migrate"):
        default_policy(cold_migrate="kill")


def test_a_broken_rank_counts_zero_and_the_vm_is_still_placed() -> None:
    cloud = make_cloud([make_vm(0, rank="FREE_CPU +* 2")], [make_host(0), make_host(1)])
    assert placed_on(cloud) == [0]


def test_equal_ranks_go_to_the_lowest_id() -> None:
    cloud = make_cloud([make_vm(0, rank="5")], [make_host(7), make_host(3), make_host(5)])
    assert placed_on(cloud) == [3]


def test_only_hosts_that_meet_the_requirements_are_used() -> None:
    hosts = [make_host(0, ARCH="arm64"), make_host(1, ARCH="x86_64")]
    assert placed_on(make_cloud([make_vm(0, requirements='ARCH = "x86*"')], hosts)) == [1]


@pytest.mark.parametrize("operator", ["=", "!=", "@>"])
def test_a_missing_attribute_fails_every_comparison(operator: str) -> None:
    cloud = make_cloud([make_vm(0, requirements=f'RACK {operator} "a"')], [make_host(0)])
    assert only_reason(cloud) == "SCHED_REQUIREMENTS not met"


def test_automatic_requirements_hold_beside_the_users_own() -> None:
    vm = make_vm(0, automatic_requirements="CLUSTER_ID = 100", requirements="ID > 0")
    hosts = [make_host(0, cluster_id=100), make_host(1), make_host(2, cluster_id=100)]
    assert placed_on(make_cloud([vm], hosts)) == [2]


def test_a_requirement_that_does_not_parse_is_met_by_no_host_and_said() -> None:
    cloud = make_cloud([make_vm(0, requirements="ARCH = ")], [make_host(0)])
    assert only_reason(cloud).startswith("SCHED_REQUIREMENTS does not parse (syntax error")


def test_a_vm_without_cpu_fits_where_memory_does() -> None:
    hosts = [make_host(0, cpu_usage_percent=400), make_host(1, memory_usage_kib=8 * GIB)]
    assert placed_on(make_cloud([make_vm(0, cpu_percent=0)], hosts)) == [0]


def test_a_host_with_a_negative_reserve_takes_more_than_it_has() -> None:
    vms = [make_vm(n, kind=1) for n in range(6)]
    over_committed = make_host(0, max_cpu_percent=600)  # a total of 400 with RESERVED_CPU = -200
    assert len(placed_on(make_cloud(vms, [over_committed]))) == 6


def test_with_one_placement_a_host_the_third_of_three_vms_waits_for_the_next_round() -> None:
    vms = [make_vm(n, kind=1) for n in range(3)]
    cloud = make_cloud(vms, [make_host(0), make_host(1)])
    decisions = decide(default_policy(), cloud, limits=Limits(max_host=1))
    assert hosts_of(decisions) == [0, 1]
    assert isinstance(decisions[2], Unplaced)
    later = make_cloud(vms[2:], [make_host(0, vm_ids=[0]), make_host(1, vm_ids=[1])])
    assert hosts_of(decide(default_policy(), later, limits=Limits(max_host=1))) == [0]


def test_vms_that_must_not_share_a_host_do_not() -> None:
    pair = [make_vm(1, requirements="CURRENT_VMS != 2"), make_vm(2, requirements="!(CURRENT_VMS = 1)")]
    cloud = make_cloud(pair, [make_host(0), make_host(1)])
    assert sorted(placed_on(cloud, policy="packing")) == [0, 1]


def test_a_vm_that_must_join_another_follows_it_in_the_same_round() -> None:
    pair = [make_vm(1), make_vm(2, requirements="CURRENT_VMS = 1")]
    assert placed_on(make_cloud(pair, [make_host(0), make_host(1)])) == [0, 0]


def test_after_a_refused_deploy_the_next_host_is_tried() -> None:
    cloud = make_cloud([make_vm(0)], [make_host(0), make_host(1), make_host(2)])
    decisions = decide(
        default_policy(), cloud, refuses=lambda item: isinstance(item, Placement) and item.host_id < 2
    )
    assert hosts_of(decisions) == [2]


def test_a_vm_that_all_hosts_refused_is_told() -> None:
    [decision] = decide(
        default_policy(),
        make_cloud([make_vm(0)], [make_host(0)]),
        refuses=lambda item: isinstance(item, Placement),
    )
    assert isinstance(decision, Unplaced)
    assert decision.reasons == {"refused by the core": 1}


def test_a_vm_to_be_rescheduled_moves_to_another_host_on_its_datastore() -> None:
    vm = make_vm(0, resched_from=0, datastore_id=2)
    datastores = [make_datastore(1, free_mib=900, total_mib=999), make_datastore(2, total_mib=9, free_mib=1)]
    cloud = make_cloud([vm], [make_host(0), make_host(1)], datastores=datastores)
    assert decide(default_policy(cold_migrate="poweroff"), cloud) == [Migration(0, 1, 2, cold_mode=1)]


def test_a_vm_to_be_rescheduled_stays_when_there_is_only_its_host() -> None:
    assert only_reason(make_cloud([make_vm(0, resched_from=0)], [make_host(0)])) == (
        "is where the VM runs already"
    )


def test_vms_are_taken_by_priority_and_then_by_age() -> None:
    vms = [make_vm(1), make_vm(2, priority=5), make_vm(3, priority=5), make_vm(0)]
    decisions = decide(default_policy(), make_cloud(vms, [make_host(0, max_cpu_percent=300)]))
    assert [item.vm_id for item in decisions if isinstance(item, Placement)] == [2, 3, 0]


def test_the_message_counts_the_hosts_that_failed_each_condition() -> None:
    hosts = [
        make_host(0, ARCH="arm64"),
        make_host(1, ARCH="arm64"),
        make_host(2, ARCH="x86_64", memory_usage_kib=8 * GIB),
        make_host(3, ARCH="x86_64", cpu_usage_percent=400),
        make_host(4, state=HostState.DISABLED),
    ]
    [decision] = decide(default_policy(), make_cloud([make_vm(0, requirements='ARCH = "x86_64"')], hosts))
    assert isinstance(decision, Unplaced)
    assert decision.message == (
        "Cannot dispatch VM: SCHED_REQUIREMENTS not met on 2 hosts; not enabled or not monitored on 1 host; "
        "not enough free CPU on 1 host; not enough free memory on 1 host"
    )


class TestRights:
    """The owner of a VM needs MANAGE on the host and USE on the datastore."""

    class OnlyOdd:
        """Odd hosts and even datastores may be used."""

        def may_manage_host(self, vm: PendingVm, host: HostView) -> bool:
            return host.id % 2 == 1

        def may_use_datastore(self, vm: PendingVm, datastore: DatastoreView) -> bool:
            return datastore.id % 2 == 0

    def test_a_host_that_the_owner_may_not_use_is_left_out(self) -> None:
        cloud = make_cloud([make_vm(0)], [make_host(n) for n in range(4)], access=self.OnlyOdd())
        assert placed_on(cloud) == [1]

    def test_a_datastore_that_the_owner_may_not_use_is_left_out(self) -> None:
        datastores = [make_datastore(1), make_datastore(2)]
        cloud = make_cloud([make_vm(0)], [make_host(1)], datastores=datastores, access=self.OnlyOdd())
        assert decide(default_policy(), cloud) == [Placement(0, 1, 2)]


class TestDatastores:
    """Choosing the system datastore."""

    def choice(
        self, vm: PendingVm, datastores: Sequence[DatastoreView], **settings: str
    ) -> Sequence[Decision]:
        return decide(default_policy(**settings), make_cloud([vm], [make_host(0)], datastores=datastores))

    def test_striping_takes_the_one_with_most_room(self) -> None:
        datastores = [
            make_datastore(0, total_mib=99, free_mib=10),
            make_datastore(5, total_mib=99, free_mib=20),
        ]
        assert self.choice(make_vm(0), datastores) == [Placement(0, 0, 5)]

    def test_packing_takes_the_one_with_least_room_that_suffices(self) -> None:
        datastores = [
            make_datastore(0, total_mib=99, free_mib=10),
            make_datastore(1, total_mib=99, free_mib=30),
            make_datastore(2, total_mib=99, free_mib=90),
        ]
        chosen = self.choice(make_vm(0, disk_mib=20), datastores, datastore_policy="packing")
        assert chosen == [Placement(0, 0, 1)]

    def test_the_vms_own_requirement_and_rank_come_first(self) -> None:
        vm = make_vm(0, ds_requirements="ID != 9", ds_rank="SPEED")
        datastores = [make_datastore(0, SPEED=1), make_datastore(1, SPEED=5), make_datastore(9, SPEED=8)]
        assert self.choice(vm, datastores) == [Placement(0, 0, 1)]

    def test_one_that_is_disabled_or_in_another_cluster_is_left_out(self) -> None:
        datastores = [
            make_datastore(0, state=DatastoreState.DISABLED),
            make_datastore(1, cluster_ids=[100]),
            make_datastore(2),
        ]
        assert self.choice(make_vm(0), datastores) == [Placement(0, 0, 2)]

    def test_one_that_nobody_measured_counts_as_large_enough(self) -> None:
        assert self.choice(make_vm(0, disk_mib=10**6), [make_datastore(0)]) == [Placement(0, 0, 0)]

    def test_disks_of_a_burst_do_not_overfill_a_shared_datastore(self) -> None:
        vms = [make_vm(n, disk_mib=400, kind=1) for n in range(3)]
        datastores = [make_datastore(0, total_mib=1000, free_mib=900)]
        decisions = decide(
            default_policy(), make_cloud(vms, [make_host(0), make_host(1)], datastores=datastores)
        )
        assert decisions[:2] == [Placement(0, 0, 0), Placement(1, 1, 0)]
        assert isinstance(decisions[2], Unplaced)

    def test_local_datastores_have_the_room_of_their_host(self) -> None:
        hosts = [make_host(0, free_disk_mib={0: 100}), make_host(1, free_disk_mib={0: 500})]
        cloud = make_cloud([make_vm(0, disk_mib=300)], hosts, datastores=[make_datastore(0, is_shared=False)])
        assert decide(default_policy(), cloud) == [Placement(0, 1, 0)]

    def test_a_broken_requirement_is_met_by_no_datastore(self) -> None:
        [decision] = self.choice(make_vm(0, ds_requirements="=="), [make_datastore(0)])
        assert isinstance(decision, Unplaced)
