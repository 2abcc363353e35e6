from __future__ import annotations

from opennebula_core.testing.scheduler import make_vm
from opennebula_sched_haizea.leases import Defaults, gather
from opennebula_sched_haizea.slottable import FOREVER


def test_each_vm_is_a_lease_of_its_own() -> None:
    leases = gather([make_vm(3), make_vm(4)], Defaults()).leases
    assert [[vm.id for vm in lease.vms] for lease in leases] == [[3], [4]]


def test_vms_of_one_owner_and_group_are_one_lease_on_the_terms_of_the_first() -> None:
    first = make_vm(3, user_template='HAIZEA = [ GROUP = "web", DURATION = "60" ]')
    second = make_vm(5, user_template='HAIZEA = [ GROUP = "web", DURATION = "90" ]')
    strangers = make_vm(4, uid=9, user_template='HAIZEA = [ GROUP = "web" ]')
    leases = gather([first, strangers, second], Defaults()).leases
    assert [[vm.id for vm in lease.vms] for lease in leases] == [[3, 5], [4]]
    assert leases[0].terms.duration_s == 60


def test_a_vm_whose_terms_mean_nothing_is_refused_alone() -> None:
    requests = gather([make_vm(3, user_template='HAIZEA = [ START = "x" ]'), make_vm(4)], Defaults())
    assert list(requests.refused) == [3]
    assert [lease.id for lease in requests.leases] == [4]


def test_a_group_is_complete_when_its_size_is_reached_or_nobody_came_for_a_while() -> None:
    sized = gather([make_vm(3, user_template='HAIZEA = [ GROUP = "a", GROUP_SIZE = "2" ]')], Defaults())
    open_ended = gather([make_vm(3, stime=100, user_template='HAIZEA = [ GROUP = "a" ]')], Defaults())
    assert sized.leases[0].complete_at_s(2.0, started=0) == FOREVER
    assert sized.leases[0].complete_at_s(2.0, started=1) == 0.0
    assert open_ended.leases[0].complete_at_s(2.0, started=0) == 102.0
