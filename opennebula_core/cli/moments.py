"""Moments and months as people write them."""

from __future__ import annotations

import re
import time
from typing import Final

import click

_MOMENTS: Final = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")
_MONTH = re.compile(r"(?P<year>\d{4})[-/](?P<month>\d{1,2})|(?P<month_first>\d{1,2})/(?P<year_last>\d{4})")


class Moment(click.ParamType):  # type: ignore[type-arg]  # not generic in older clicks
    """A moment in local time, such as ``2026-11-24 10:30``, or epoch seconds; arrives as epoch seconds.

    :param at_end: a day without a time means its last second
    """

    name = "time"

    def __init__(self, *, at_end: bool = False) -> None:
        self._at_end = at_end

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the epoch seconds."""
        if isinstance(value, int):
            return value
        word = str(value).strip().replace("/", "-").replace("T", " ")
        if word.isascii() and word.isdigit():
            return int(word)
        for form in _MOMENTS:
            try:
                found = int(time.mktime(time.strptime(word, form)))
            except (ValueError, OverflowError):
                continue
            is_day = form == _MOMENTS[-1]
            return found + 86_399 if is_day and self._at_end else found
        self.fail(f"{value!r} is no time; write it as in 2026-11-24 or '2026-11-24 10:30'", param, ctx)


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
