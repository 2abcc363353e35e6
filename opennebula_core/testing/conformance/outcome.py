"""How a check ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from opennebula_core.errors import OpenNebulaError


class Result(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class CheckFailedError(OpenNebulaError):
    """The driver does not keep what a check asks.

    :param expected: what should have been seen
    :param seen: what was seen instead
    """

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected {expected}; seen: {seen}")
        self.expected = expected
        self.seen = seen


class CheckSkippedError(OpenNebulaError):
    """A check does not apply to this driver, or cannot be made; the message says why."""


TIME_IS_UP: Final = "the time for all checks"
"""How the reason begins of a check that was not made, or not to its end, for want of time."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a check.

    :param reason: why it was skipped
    :param exchange: the lines that led to a failure
    """

    name: str
    sentence: str
    result: Result
    duration_s: float = 0.0
    reason: str = ""
    expected: str = ""
    seen: str = ""
    exchange: tuple[str, ...] = ()

    @property
    def found_no_time(self) -> bool:
        """Whether the time for all checks was up before this one was done."""
        return self.reason.startswith(TIME_IS_UP)
