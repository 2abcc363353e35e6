from __future__ import annotations

from opennebula_core.contracts.scheduler import PendingVm
from opennebula_core.testing.scheduler import GIB, make_vm
from opennebula_sched_haizea.leases import Lease
from opennebula_sched_haizea.mapper import (
    Assignment,
    Candidates,
    earliest_assignment,
    host_score,
    map_lease,
)
from opennebula_sched_haizea.slottable import FOREVER, Amount, Slot, SlotTable
from opennebula_sched_haizea.terms import LeaseKind, Terms


def lease(*vms: PendingVm) -> Lease:
    return Lease(vms, Terms(LeaseKind.BEST_EFFORT))


def table(hosts: int, *slots: Slot) -> SlotTable:
    found = SlotTable()
    for host_id in range(hosts):
        found.add_host(host_id, Amount(200, 4 * GIB))
    found.add_all(slots)
    return found


def anywhere(hosts: int) -> Candidates:
    return lambda vm: dict.fromkeys(range(hosts), 0.0)


def busy(host_id: int, start_s: float, end_s: float) -> Slot:
    return Slot(99, host_id, start_s, end_s, Amount(200, GIB))


def hosts_of(found: Assignment | None) -> dict[int, int]:
    return {slot.vm_id: slot.host_id for slot in found.slots} if found else {}


def test_all_vms_of_a_lease_are_mapped_or_none() -> None:
    vms = [make_vm(n) for n in range(5)]
    assert map_lease(lease(*vms), table(2), anywhere(2), 0, 10) is None
    found = map_lease(lease(*vms[:4]), table(2), anywhere(2), 0, 10)
    assert sorted(hosts_of(found).values()) == [0, 0, 1, 1]


def test_a_host_that_is_promised_within_the_interval_is_left_out() -> None:
    found = map_lease(lease(make_vm(0)), table(2, busy(0, 5, 8)), anywhere(2), 0, 10)
    assert hosts_of(found) == {0: 1}
    found = map_lease(lease(make_vm(0)), table(1, busy(0, 5, 8)), anywhere(1), 0, 5)
    assert hosts_of(found) == {0: 0}


def test_the_largest_vm_is_mapped_first() -> None:
    small, large = make_vm(0, cpu_percent=100), make_vm(1, cpu_percent=200)
    taken = Slot(99, 0, 0, 10, Amount(100, 0))
    found = map_lease(lease(small, large), table(2, taken), anywhere(2), 0, 10)
    assert hosts_of(found) == {0: 0, 1: 1}


def test_the_vms_own_rank_comes_before_the_score() -> None:
    found = map_lease(lease(make_vm(0)), table(3), lambda vm: {0: 1.0, 1: 5.0, 2: 5.0}, 0, 10)
    assert hosts_of(found) == {0: 1}


def test_the_earliest_start_is_the_end_of_what_is_in_the_way() -> None:
    blocked = table(2, busy(0, 0, 30), busy(1, 0, 20))
    found = earliest_assignment(lease(make_vm(0)), blocked, anywhere(2), 0, 10)
    assert found is not None
    assert found.start_s == 20


def test_there_is_no_start_when_what_is_in_the_way_has_no_end() -> None:
    blocked = table(1, busy(0, 0, FOREVER))
    assert earliest_assignment(lease(make_vm(0)), blocked, anywhere(1), 0, 10) is None


def test_an_empty_host_that_stays_free_has_the_best_score() -> None:
    found = table(2, busy(0, 5, 8))
    assert host_score(found, 1, 0, 10) == 1.0
    assert host_score(found, 0, 0, 10) == 0.5 + 0.25 + 0.125
    assert host_score(found, 0, 5, 10) == 0.375 + 0.25 + 0.25
