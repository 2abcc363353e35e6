from __future__ import annotations

import pytest

from opennebula_core.wire.limits import BackOff, Limits

LIMITS = Limits(first_pause_s=1, longest_pause_s=5, stable_s=60)


def test_a_driver_that_never_failed_may_start_at_once() -> None:
    assert BackOff(LIMITS).pause_s(now=100) == 0


def test_pauses_double_up_to_the_longest() -> None:
    back_off = BackOff(LIMITS)

    pauses = []
    for _ in range(5):
        back_off.note(100, "it died", lived_s=0)
        pauses.append(back_off.pause_s(100))

    assert pauses == [1, 2, 4, 5, 5]
    assert back_off.pause_s(104) == pytest.approx(1)
    assert back_off.reason == "it died"


def test_a_long_life_makes_pauses_short_again() -> None:
    back_off = BackOff(LIMITS)
    for _ in range(4):
        back_off.note(100, "it died", lived_s=0)

    back_off.note(200, "it died", lived_s=61)

    assert back_off.pause_s(200) == 1


def test_any_number_of_failures_can_be_counted() -> None:
    back_off = BackOff(LIMITS)
    for _ in range(5000):
        back_off.note(100, "it died", lived_s=0)

    assert back_off.pause_s(100) == 5
