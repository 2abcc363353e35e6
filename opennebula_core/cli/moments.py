"""Moments and months as people write them."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta
from typing import Any, Final

import click

NOW: Final = "now"
_DAYS: Final = ("%Y-%m-%d", "%m-%d-%Y")
_DAYS_OF_THIS_YEAR: Final = ("%m-%d",)
_TIMES: Final = ("%H:%M:%S", "%H:%M")
_TO_ITS_END: Final = timedelta(days=1, seconds=-1)
_EPOCH = re.compile(r"[0-9]{9,12}")
_MONTH = re.compile(r"(?P<year>\d{4})[-/](?P<month>\d{1,2})|(?P<month_first>\d{1,2})/(?P<year_last>\d{4})")


def moment_of(text: str, now: float | None = None, *, at_end: bool = False) -> int:
    """Return the epoch seconds of a moment as people write it, in local time.

    :param at_end: a day without a time means its last second
    :raises ValueError: it is none
    """
    word, here = text.strip(), datetime.fromtimestamp(time.time() if now is None else now)
    if word == NOW:
        return int(here.timestamp())
    if _EPOCH.fullmatch(word):
        return int(word)
    word = word.replace("/", "-").replace("T", " ")
    # What is left out goes before the text, because 02-29 alone is read as a day of 1900.
    for formats, prefix, written in (
        (_with_times(_DAYS), "", ""),
        (_with_times(_DAYS_OF_THIS_YEAR), "%Y ", f"{here:%Y} "),
        (_TIMES, "%Y-%m-%d ", f"{here:%Y-%m-%d} "),
    ):
        for form in formats:
            try:
                found = datetime.strptime(written + word, prefix + form)
                is_day = "%H" not in form
                return int((found + _TO_ITS_END if is_day and at_end else found).timestamp())
            except (ValueError, OverflowError):
                continue
    raise ValueError(f"{text!r} is no moment; write 2026-11-24 14:15, 11/24 14:15, 14:15, or {NOW}")


def _with_times(days: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{day} {clock}".rstrip() for clock in (*_TIMES, "") for day in days)


class Moment(click.ParamType):  # type: ignore[type-arg]  # not generic in older clicks
    """A moment in local time, such as ``2026-11-24 10:30``, or epoch seconds; arrives as epoch seconds.

    :param at_end: a day without a time means its last second
    """

    name = "time"

    def __init__(self, *, at_end: bool = False) -> None:
        self._at_end = at_end

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the epoch seconds."""
        try:
            return value if isinstance(value, int) else moment_of(value, at_end=self._at_end)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class MonthWord(click.ParamType):  # type: ignore[type-arg]  # not generic in older clicks
    """A month such as ``2026-11`` or ``11/2026``; arrives as month and year."""

    name = "month"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return month and year."""
        if isinstance(value, tuple):
            month, year = value
            return int(month), int(year)
        found = _MONTH.fullmatch(str(value).strip())
        if found is not None:
            month = int(found["month"] or found["month_first"])
            if 1 <= month <= 12:
                return month, int(found["year"] or found["year_last"])
        self.fail(f"{value!r} is no month; write it as in 2026-11 or 11/2026", param, ctx)
