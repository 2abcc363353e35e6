from __future__ import annotations

from opennebula_core.contracts.scheduler import Limits, Placement
from opennebula_core.scheduling.window import Window


def test_placements_of_an_interval_add_up() -> None:
    window = Window(Limits(max_dispatch=3), interval_s=15)
    assert window.open(0.0) == Limits(max_dispatch=3)
    window.count(Placement(0, 5))
    window.count(Placement(1, 5))
    assert window.open(1.0) == Limits(max_dispatch=1)
    window.count(Placement(2, 6))
    assert window.open(14.9) is None
    assert window.per_host == {5: 2, 6: 1}


def test_the_count_begins_anew_after_the_interval() -> None:
    window = Window(Limits(max_dispatch=1), interval_s=15)
    window.open(0.0)
    window.count(Placement(0, 5))
    assert window.reopens_at_s() == 15.0
    assert window.open(15.0) == Limits(max_dispatch=1)
    assert not window.per_host


def test_no_limit_is_never_used_up() -> None:
    window = Window(Limits(), interval_s=15)
    window.open(0.0)
    for vm_id in range(1000):
        window.count(Placement(vm_id, 0))
    assert window.open(1.0) == Limits()
