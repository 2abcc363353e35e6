from __future__ import annotations

from opennebula_core.contracts.scheduler import Limits, Placement, Round
from opennebula_core.testing.scheduler import GIB, make_cloud, make_datastore, make_host, make_vm


def test_what_is_booked_is_no_longer_free() -> None:
    vm, host = make_vm(0), make_host(0)
    round = Round(make_cloud([vm], [host]), [vm])
    round.settle(Placement(0, 0))
    assert round.free_cpu_percent(host) == 300
    assert round.free_memory_kib(host) == 7 * GIB


def test_what_is_refused_is_free_again_and_the_vm_waits() -> None:
    vm, host = make_vm(0), make_host(0)
    round = Round(make_cloud([vm], [host]), [vm])
    round.settle(Placement(0, 0))
    assert not round.waiting()
    round.refuse(Placement(0, 0))
    assert round.free_cpu_percent(host) == 400
    assert round.waiting() == [vm]
    assert round.is_refused(vm, host)


def test_expressions_see_bookings_at_once() -> None:
    vm, host = make_vm(5), make_host(0, vm_ids=[1, 2])
    round = Round(make_cloud([vm], [host]), [vm])
    round.settle(Placement(5, 0))
    lookup = round.lookup(host)
    assert lookup("RUNNING_VMS") == ["3"]
    assert lookup("FREE_CPU") == ["300"]
    assert lookup("MEM_USAGE") == [str(GIB)]
    assert sorted(lookup("CURRENT_VMS")) == ["1", "2", "5"]


def test_a_vm_that_asks_for_nothing_fits_on_a_full_host() -> None:
    vm = make_vm(0, cpu_percent=0, memory_kib=0)
    host = make_host(0, cpu_usage_percent=500, memory_usage_kib=9 * GIB)
    assert Round(make_cloud([vm], [host]), [vm]).fits(vm, host)


def test_a_shared_datastore_is_booked_for_all_hosts() -> None:
    vm = make_vm(0, disk_mib=100)
    hosts = [make_host(0), make_host(1)]
    datastore = make_datastore(0, total_mib=1000, free_mib=500)
    round = Round(make_cloud([vm], hosts, datastores=[datastore]), [vm])
    round.settle(Placement(0, 0, 0))
    assert round.free_disk_mib(datastore, hosts[1]) == 400


def test_a_local_datastore_is_booked_on_its_host_alone() -> None:
    vm = make_vm(0, disk_mib=100)
    hosts = [make_host(0, free_disk_mib={0: 500}), make_host(1, free_disk_mib={0: 500})]
    datastore = make_datastore(0, is_shared=False)
    round = Round(make_cloud([vm], hosts, datastores=[datastore]), [vm])
    round.settle(Placement(0, 0, 0))
    assert round.free_disk_mib(datastore, hosts[0]) == 400
    assert round.free_disk_mib(datastore, hosts[1]) == 500


def test_placements_of_earlier_rounds_count_towards_the_limit_of_a_host() -> None:
    vm, host = make_vm(0), make_host(0)
    cloud = make_cloud([vm], [host])
    assert not Round(cloud, [vm], limits=Limits(max_host=1), placed_before={0: 1}).is_open(host)
    assert Round(cloud, [vm], limits=Limits(max_host=2), placed_before={0: 1}).is_open(host)
