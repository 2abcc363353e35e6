"""What a look at a cloud brings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

MAX_TOLD: Final = 20
"""Of a thousand VMs that failed for one reason, twenty lines say as much."""


class Level(IntEnum):
    """How bad a finding is; the worst is the exit status."""

    OK = 0
    WARNING = 1
    ERROR = 2

    @property
    def word(self) -> str:
        """The word of reports."""
        return self.name.lower()

    @property
    def color(self) -> str:
        """The color of the word on a terminal."""
        return ("green", "yellow", "red")[self]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    :param area: what it is about, such as ``hosts``
    :param remedy: the command that helps; empty where nothing has to be done
    """

    area: str
    level: Level
    text: str
    remedy: str = ""


def ok(area: str, text: str) -> Finding:
    """Return a finding of something that is well."""
    return Finding(area, Level.OK, text)


def warning(area: str, text: str, remedy: str) -> Finding:
    """Return a finding of what may become, or may be, a problem."""
    return Finding(area, Level.WARNING, one_line(text), remedy)


def error(area: str, text: str, remedy: str) -> Finding:
    """Return a finding of what does not work."""
    return Finding(area, Level.ERROR, one_line(text), remedy)


def one_line(text: str) -> str:
    """Return a text without what would move a terminal's cursor: hosts and templates write into these."""
    return "".join(char if char.isprintable() else " " for char in re.sub(r"\s+", " ", text)).strip()


def limited(findings: Sequence[Finding], where: str) -> Iterator[Finding]:
    """Yield the first of many findings of an area, and how many more there are.

    :param where: the command that lists all of them
    """
    yield from findings[:MAX_TOLD]
    rest = findings[MAX_TOLD:]
    if rest:
        worst = max(finding.level for finding in rest)
        yield Finding(rest[0].area, worst, f"and {len(rest)} more", where)
