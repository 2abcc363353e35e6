from __future__ import annotations

import pytest

from opennebula_core.contracts.scheduler import PendingVm
from opennebula_core.model.template import Template
from opennebula_core.testing.scheduler import GIB, make_vm
from opennebula_sched_haizea.leases import Lease
from opennebula_sched_haizea.reservations import Reservations, annotation
from opennebula_sched_haizea.slottable import Amount, Slot
from opennebula_sched_haizea.terms import LeaseKind, Terms

SLOT = Slot(3, 7, 1000.0, 1060.0, Amount(100, GIB))
TERMS = Terms(LeaseKind.ADVANCE, start_s=1000.0, duration_s=60.0)


ASKED = 'HAIZEA = [ START = "1000", DURATION = "60" ]'


def asking(user_template: str = ASKED, vm_id: int = 3) -> PendingVm:
    return make_vm(vm_id, user_template=user_template)


@pytest.fixture
def reservations() -> Reservations:
    found = Reservations()
    found.accept([asking()], [SLOT])
    return found


def test_what_was_accepted_is_known_until_it_is_dropped(reservations: Reservations) -> None:
    assert reservations.of(asking(), TERMS) == SLOT
    reservations.drop([3])
    assert reservations.of(asking(), TERMS) is None


def test_what_was_written_is_known_after_a_restart() -> None:
    text = annotation(SLOT).text
    assert Template.parse(text).vector("HAIZEA_LEASE") == {"START": "1000", "END": "1060", "HOST": "7"}
    assert Reservations().of(asking(text), TERMS) == SLOT


def test_memory_counts_more_than_what_is_written(reservations: Reservations) -> None:
    forged = 'HAIZEA_LEASE = [ START = "1000", END = "1060", HOST = "8" ]'
    assert reservations.of(asking(f"{ASKED}\n{forged}\n"), TERMS) == SLOT


@pytest.mark.parametrize(
    "text",
    [
        'HAIZEA_LEASE = [ HOST = "7" ]',
        'HAIZEA_LEASE = [ START = "x", END = "1", HOST = "7" ]',
        'HAIZEA_LEASE = [ START = "1000", END = "9000", HOST = "7" ]',
        'HAIZEA_LEASE = [ START = "2000", END = "2060", HOST = "7" ]',
    ],
)
def test_what_is_written_and_not_on_these_terms_is_no_promise(text: str) -> None:
    assert Reservations().of(asking(text), TERMS) is None


def test_a_vm_that_asks_for_something_else_now_has_no_promise(reservations: Reservations) -> None:
    assert reservations.of(asking('HAIZEA = [ START = "2000", DURATION = "60" ]'), TERMS) is None


def test_late_members_of_a_group_do_not_touch_what_was_promised(reservations: Reservations) -> None:
    promised, others = reservations.split(Lease((asking(), asking(vm_id=4)), TERMS))
    assert promised is not None
    assert others is not None
    assert (promised.id, others.id) == (3, 4)


def test_vms_that_no_longer_wait_are_forgotten(reservations: Reservations) -> None:
    reservations.keep_only([4])
    assert reservations.of(asking(), TERMS) is None
