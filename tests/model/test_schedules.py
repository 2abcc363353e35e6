from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from opennebula_core.model.schedules import LATEST, End, Repeat, Schedule, ScheduleError

HOUR, DAY = 3600, 86400
MONDAY = 1_792_400_400
"""2026-10-19, 09:00 in UTC."""


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Summer time ends on 2026-10-25 there, at 03:00."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def _local(moment: int | None) -> str:
    assert moment is not None
    return time.strftime("%a %Y-%m-%d %H:%M", time.localtime(moment))


def _of(**values: object) -> Schedule:
    return Schedule.of({name: str(value) for name, value in values.items()}, 1000)


def test_a_relative_time_counts_from_the_start_of_the_vm() -> None:
    assert _of(TIME="+60").first == 1060


def test_what_does_not_repeat_has_no_next_moment() -> None:
    schedule = _of(TIME=MONDAY)
    assert (schedule.first, schedule.next_after(MONDAY)) == (MONDAY, None)


def test_the_last_moment_that_may_be_named_has_others_behind_it() -> None:
    schedule = _of(TIME=LATEST, REPEAT=2, DAYS=365)
    assert _local(schedule.first) == "Wed 9980-12-31 01:00"
    assert _local(schedule.next_after(schedule.first)) == "Mon 9984-12-31 01:00"


@pytest.mark.parametrize(
    "values",
    [
        {"TIME": LATEST + 1},
        {"TIME": "9" * 5000},
        {"TIME": MONDAY, "REPEAT": "1" * 5000, "DAYS": "1"},
        {"TIME": MONDAY, "REPEAT": 0, "DAYS": "1", "END_TYPE": 1, "END_VALUE": "0" * 19 + "1" + "9" * 5000},
    ],
)
def test_numbers_without_end_are_refused_in_few_words(values: dict[str, str]) -> None:
    with pytest.raises(ScheduleError) as refused:
        _of(**values)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("more", [{"END_TYPE": 0}, {"REPEAT": -1, "END_TYPE": -1, "END_VALUE": -1}])
def test_how_it_ends_does_not_matter_to_what_does_not_repeat(more: dict[str, int]) -> None:
    assert _of(TIME=MONDAY, **more) == _of(TIME=MONDAY)


def test_weekly_days_keep_the_time_of_day_over_the_end_of_summer_time() -> None:
    schedule = _of(TIME=MONDAY, REPEAT=0, DAYS="1,6")
    assert _local(schedule.first) == "Mon 2026-10-19 11:00"
    saturday = schedule.next_after(MONDAY)
    assert _local(saturday) == "Sat 2026-10-24 11:00"
    assert _local(schedule.next_after(saturday or 0)) == "Mon 2026-10-26 11:00"


def test_the_first_moment_is_on_one_of_the_days() -> None:
    assert _local(_of(TIME=MONDAY, REPEAT=0, DAYS="3").first) == "Wed 2026-10-21 11:00"


def test_months_without_that_day_are_left_out() -> None:
    schedule = _of(TIME=MONDAY, REPEAT=1, DAYS="31")
    assert _local(schedule.first) == "Sat 2026-10-31 11:00"
    assert _local(schedule.next_after(schedule.first)) == "Thu 2026-12-31 11:00"


def test_the_last_day_of_leap_years_is_found() -> None:
    assert _local(_of(TIME=MONDAY, REPEAT=2, DAYS="365").first) == "Sun 2028-12-31 11:00"


def test_the_first_day_of_a_year_is_day_0() -> None:
    assert _local(_of(TIME=MONDAY, REPEAT=2, DAYS="0").first) == "Fri 2027-01-01 11:00"


def test_hours_that_were_missed_are_not_made_up_for() -> None:
    schedule = _of(TIME=MONDAY, REPEAT=3, DAYS="2")
    assert schedule.next_after(MONDAY) == MONDAY + 2 * HOUR
    assert schedule.next_after(MONDAY + 5 * HOUR) == MONDAY + 6 * HOUR


def test_days_that_were_missed_are_not_made_up_for() -> None:
    schedule = _of(TIME=MONDAY, REPEAT=0, DAYS="0,1,2,3,4,5,6")
    assert _local(schedule.next_after(MONDAY + 10 * DAY)) == "Thu 2026-10-29 11:00"


def test_the_last_moment_ends_it() -> None:
    schedule = _of(TIME=MONDAY, REPEAT=3, DAYS="1", END_TYPE=2, END_VALUE=MONDAY + HOUR)
    assert schedule.next_after(MONDAY) == MONDAY + HOUR
    assert schedule.next_after(MONDAY + HOUR) is None


def test_what_is_not_said_has_defaults() -> None:
    schedule = _of(TIME=5, REPEAT=3, DAYS=1)
    assert (schedule.repeat, schedule.end, schedule.end_value) == (Repeat.HOURLY, End.NEVER, 0)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, "TIME is ''"),
        ({"TIME": "tomorrow"}, "epoch seconds"),
        ({"TIME": "-5"}, "epoch seconds"),
        ({"TIME": "9" * 12}, "too late"),
        ({"TIME": "9" * 400}, "epoch seconds"),
        ({"TIME": "5", "DAYS": "1"}, "without REPEAT"),
        ({"TIME": "5", "REPEAT": "4", "DAYS": "1"}, "3 hourly"),
        ({"TIME": "5", "REPEAT": "0"}, "DAYS is ''"),
        ({"TIME": "5", "REPEAT": "0", "DAYS": "7"}, "Sunday"),
        ({"TIME": "5", "REPEAT": "1", "DAYS": "0"}, "1 to 31"),
        ({"TIME": "5", "REPEAT": "2", "DAYS": "366"}, "0 to 365"),
        ({"TIME": "5", "REPEAT": "3", "DAYS": "1,2"}, "one number of hours"),
        ({"TIME": "5", "REPEAT": "3", "DAYS": "x"}, "separated by commas"),
        ({"TIME": "5", "REPEAT": "0", "DAYS": "1", "END_VALUE": "3"}, "without END_TYPE"),
        ({"TIME": "5", "REPEAT": "0", "DAYS": "1", "END_TYPE": "3"}, "2 date"),
        ({"TIME": "5", "REPEAT": "0", "DAYS": "1", "END_TYPE": "1"}, "how many times"),
        ({"TIME": "5", "REPEAT": "0", "DAYS": "1", "END_TYPE": "1", "END_VALUE": "0"}, "how many times"),
    ],
)
def test_what_says_no_moment_is_refused(values: dict[str, str], why: str) -> None:
    with pytest.raises(ScheduleError, match=why):
        _of(**values)
