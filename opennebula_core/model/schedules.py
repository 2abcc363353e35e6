"""When scheduled actions are due: SCHED_ACTION vectors checked, and the moments that they mean.

Source of names and numbers: OpenNebula 6.10, SCHED_ACTION. A repeated action keeps the local time of day of
its TIME; moments that were missed are not made up for one by one: the next one is always in the future.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from typing import Final, Self, TypeVar

from opennebula_core.model.numbers import whole_number

E = TypeVar("E", bound=IntEnum)

SECONDS_PER_HOUR: Final = 3600
LATEST: Final = 252_771_148_800
"""The year 9980: what comes again is looked for in years behind it, and the last that has dates is 9999."""
_NONE: Final = "-1"
_YEARS_TO_LOOK: Final = 9
"""The last day of leap years comes again after at most eight years."""


class Repeat(IntEnum):
    """In which period an action comes again."""

    WEEKLY = 0
    MONTHLY = 1
    YEARLY = 2
    HOURLY = 3


class End(IntEnum):
    """When an action comes for the last time."""

    NEVER = 0
    TIMES = 1
    DATE = 2


_DAYS: Final[Mapping[Repeat, tuple[int, int, str]]] = {
    Repeat.WEEKLY: (0, 6, "days of a week are 0 (Sunday) to 6"),
    Repeat.MONTHLY: (1, 31, "days of a month are 1 to 31"),
    Repeat.YEARLY: (0, 365, "days of a year are 0 to 365"),
    Repeat.HOURLY: (1, 168, "one number of hours, 1 to 168"),
}
_DAY_NUMBER: Final[Mapping[Repeat, Callable[[date], int]]] = {
    Repeat.WEEKLY: lambda day: day.isoweekday() % 7,
    Repeat.MONTHLY: lambda day: day.day,
    Repeat.YEARLY: lambda day: day.timetuple().tm_yday - 1,
}


class ScheduleError(ValueError):
    """A SCHED_ACTION says no moment; the text says why, and what to write."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When an action is due. Moments are epoch seconds.

    :param time: the first moment
    :param days: of the period; for HOURLY the hours between two moments
    :param end_value: how many times are left, or the last moment
    """

    time: int
    repeat: Repeat | None = None
    days: tuple[int, ...] = ()
    end: End = End.NEVER
    end_value: int = 0

    @classmethod
    def of(cls, action: Mapping[str, str], origin: int) -> Self:
        """Return what a SCHED_ACTION vector says.

        :param origin: what a TIME such as ``+3600`` counts from
        :raises ScheduleError: it says no moment
        """
        moment = _moment(action.get("TIME", ""), origin)
        repeat = _number(action, "REPEAT", Repeat)
        if repeat is None:
            if action.get("DAYS"):
                raise ScheduleError("DAYS stands without REPEAT; add REPEAT=0 (weekly) to 3 (hourly)")
            return cls(moment)  # some clients always say how it ends
        end = _number(action, "END_TYPE", End)
        if end is None and action.get("END_VALUE"):
            raise ScheduleError("END_VALUE stands without END_TYPE; add END_TYPE=1 (times) or 2 (date)")
        end_value = 0 if not end else _end_value(action.get("END_VALUE", ""))
        return cls(moment, repeat, _days(action.get("DAYS", ""), repeat), end or End.NEVER, end_value)

    @property
    def first(self) -> int:
        """The first moment; the day of ``time`` may be none of the days."""
        if self.repeat in (None, Repeat.HOURLY):
            return self.time
        found = self._next(self.time - 1)
        return self.time if found is None else found

    def next_after(self, moment: int) -> int | None:
        """Return the first moment behind ``moment``, None when the action does not come again."""
        found = self._next(moment)
        if found is None or (self.end is End.DATE and found > self.end_value):
            return None
        return found

    def _next(self, moment: int) -> int | None:
        if self.repeat is None:
            return None
        if self.repeat is Repeat.HOURLY:
            step = self.days[0] * SECONDS_PER_HOUR
            return self.time + max(0, (moment - self.time) // step + 1) * step
        number_of = _DAY_NUMBER[self.repeat]
        clock = time.localtime(self.time)
        today = date(*time.localtime(max(moment, self.time))[:3])
        for offset in range(_YEARS_TO_LOOK * 366):
            day = today + timedelta(days=offset)
            if number_of(day) in self.days:
                found = _local(day, clock)
                if found > moment and found >= self.time:
                    return found
        return None


def _local(day: date, clock: time.struct_time) -> int:
    fields = (day.year, day.month, day.day, clock.tm_hour, clock.tm_min, clock.tm_sec, 0, 0, -1)
    return int(time.mktime(fields))


def _moment(text: str, origin: int) -> int:
    is_relative = text.startswith("+")
    digits = text[1:] if is_relative else text
    number = whole_number(digits, 10**18)
    if number is None:
        raise ScheduleError(f"TIME is {text[:80]!r}; write epoch seconds, or +SECONDS behind the VM's start")
    moment = number + (origin if is_relative else 0)
    if moment > LATEST:
        raise ScheduleError(f"TIME {text!r} is too late; write epoch seconds")
    return moment


def _number(action: Mapping[str, str], name: str, kind: type[E]) -> E | None:
    text = action.get(name, "")
    if text in ("", _NONE):
        return None
    known = ", ".join(f"{item.value} {item.name.lower()}" for item in kind)
    try:
        return kind(int(text))
    except ValueError:
        raise ScheduleError(f"{name} is {text[:80]!r}; use {known}") from None


def _days(text: str, repeat: Repeat) -> tuple[int, ...]:
    first, last, rule = _DAYS[repeat]
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words or not all(word.isascii() and word.isdecimal() and len(word) < 4 for word in words):
        raise ScheduleError(f"DAYS is {text!r}; {rule}, separated by commas")
    days = tuple(sorted({int(word) for word in words}))
    if days[0] < first or days[-1] > last or (repeat is Repeat.HOURLY and len(days) > 1):
        raise ScheduleError(f"DAYS is {text!r}; {rule}")
    return days


def _end_value(text: str) -> int:
    value = whole_number(text, LATEST)
    if not value:
        raise ScheduleError(
            f"END_VALUE is {text[:80]!r}; write how many times, or the epoch seconds of the end"
        )
    return value
