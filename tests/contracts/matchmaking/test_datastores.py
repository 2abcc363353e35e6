from __future__ import annotations

from opennebula_core.contracts.matchmaking.datastores import LEAVE_TO_CORE, DatastoreChooser, has_room
from opennebula_core.contracts.matchmaking.matching import Matcher
from opennebula_core.contracts.scheduler import DatastoreView, PendingVm, Placement, Round
from opennebula_core.testing.scheduler import make_cloud, make_datastore, make_host, make_vm


def choice(vm: PendingVm, *datastores: DatastoreView, rank: str = "FREE_MB") -> int | None:
    host = make_host(0)
    round = Round(make_cloud([vm], [host], datastores=datastores), [vm])
    return DatastoreChooser(Matcher()).choose(vm, host, round, rank)


def test_without_any_in_sight_the_core_chooses() -> None:
    assert choice(make_vm(0)) == LEAVE_TO_CORE


def test_the_highest_rank_wins_and_the_lowest_id_of_equals() -> None:
    assert choice(make_vm(0), make_datastore(4), make_datastore(2), rank="ID") == 4
    assert choice(make_vm(0), make_datastore(4), make_datastore(2), rank="1") == 2


def test_a_vm_that_moves_keeps_its_own_or_stays() -> None:
    vm = make_vm(0, resched_from=3, datastore_id=2)
    assert choice(vm, make_datastore(1), make_datastore(2)) == 2
    assert choice(vm, make_datastore(1)) is None


def test_what_was_booked_before_lowers_the_rank() -> None:
    vms = [make_vm(0, disk_mib=50), make_vm(1, disk_mib=50)]
    datastores = [
        make_datastore(0, total_mib=999, free_mib=100),
        make_datastore(1, total_mib=999, free_mib=99),
    ]
    host = make_host(0)
    round = Round(make_cloud(vms, [host], datastores=datastores), vms)
    chooser = DatastoreChooser(Matcher())
    assert chooser.choose(vms[0], host, round, "FREE_MB") == 0
    round.settle(Placement(0, 0, 0))
    assert chooser.choose(vms[1], host, round, "FREE_MB") == 1


def test_a_vm_without_disks_fits_into_a_full_one() -> None:
    full, host = make_datastore(0, total_mib=10, free_mib=0), make_host(0)
    round = Round(make_cloud([], [host]), [])
    assert has_room(make_vm(0), full, host, round)
    assert not has_room(make_vm(0, disk_mib=1), full, host, round)
