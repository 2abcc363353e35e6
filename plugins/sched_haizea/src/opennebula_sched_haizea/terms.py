"""What a VM's HAIZEA attribute asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from opennebula_core.errors import TemplateError
from opennebula_sched_haizea.slottable import FOREVER

ATTRIBUTE: Final = "HAIZEA"

_DURATION = re.compile(
    r"(?:(?P<days>\d{1,5}):)?(?P<hours>\d{1,4}):(?P<minutes>[0-5]?\d):(?P<seconds>[0-5]?\d)"
)
_SECONDS = re.compile(r"\d{1,10}")


class LeaseKind(StrEnum):
    """The kinds of leases; the values of the first two are words of START.

    An advance reservation starts at its time, an immediate lease now, a best-effort lease when there is room.
    """

    IMMEDIATE = "now"
    BEST_EFFORT = "best_effort"
    ADVANCE = "advance"


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a lease.

    :param start_s: when an advance reservation starts, in epoch seconds; 0 for the other kinds
    :param duration_s: FOREVER when it has no end
    :param group: VMs of one owner with the same group make one lease; empty: a lease of its own
    :param group_size: how many VMs the group has; 0: as many as come together
    """

    kind: LeaseKind
    start_s: float = 0.0
    duration_s: float = FOREVER
    is_preemptible: bool = False
    group: str = ""
    group_size: int = 0


def parse_terms(
    asked: Mapping[str, str] | None, submitted_s: float, default_start: str, default_duration: str
) -> Terms:
    """Return the terms of a VM.

    :param asked: its HAIZEA vector, None when it has none
    :param submitted_s: its STIME, to which ``+HH:MM:SS`` is added
    :raises TemplateError: a key has a value that means nothing
    """
    asked = asked or {}
    kind, start_s = parse_start(asked.get("START") or default_start, submitted_s)
    size = asked.get("GROUP_SIZE", "").strip()
    if size and not (_SECONDS.fullmatch(size) and int(size) > 0):
        raise TemplateError(
            f"read GROUP_SIZE of {ATTRIBUTE}: {size!r} is not a number of VMs; write one such as 3"
        )
    return Terms(
        kind=kind,
        start_s=start_s,
        duration_s=parse_duration(asked.get("DURATION") or default_duration),
        is_preemptible=asked.get("PREEMPTIBLE", "").strip().lower() in ("yes", "true"),
        group=asked.get("GROUP", "").strip(),
        group_size=int(size or 0),
    )


def parse_start(text: str, submitted_s: float) -> tuple[LeaseKind, float]:
    """Return the kind of lease that a START makes and, for a reservation, its time in epoch seconds.

    :raises TemplateError: it is none of ``now``, ``best_effort``, ``YYYY-MM-DD HH:MM:SS`` (local time unless
        it has an offset), ``+HH:MM:SS`` after the submission, or epoch seconds
    """
    word = text.strip()
    if word.lower() in (LeaseKind.IMMEDIATE, LeaseKind.BEST_EFFORT):
        return LeaseKind(word.lower()), 0.0
    if word.startswith("+"):
        return LeaseKind.ADVANCE, submitted_s + _clock_s(word[1:], "START", text)
    if _SECONDS.fullmatch(word):
        return LeaseKind.ADVANCE, float(word)
    try:
        return LeaseKind.ADVANCE, datetime.fromisoformat(word).timestamp()
    except (ValueError, OverflowError):
        raise TemplateError(
            f"read START of {ATTRIBUTE}: {text!r} is no time; write now, best_effort, "
            f"'YYYY-MM-DD HH:MM:SS' or +HH:MM:SS"
        ) from None


def parse_duration(text: str) -> float:
    """Return a DURATION in seconds: ``HH:MM:SS``, ``D:HH:MM:SS``, seconds, or ``unlimited``.

    :raises TemplateError: it is none of these, or no time at all
    """
    word = text.strip()
    if word.lower() == "unlimited":
        return FOREVER
    duration_s = float(word) if _SECONDS.fullmatch(word) else _clock_s(word, "DURATION", text)
    if duration_s <= 0:
        raise TemplateError(
            f"read DURATION of {ATTRIBUTE}: {text!r} is no time at all; ask for a second or more"
        )
    return duration_s


def _clock_s(word: str, key: str, text: str) -> float:
    match = _DURATION.fullmatch(word)
    if match is None:
        raise TemplateError(f"read {key} of {ATTRIBUTE}: {text!r} is no length of time; write HH:MM:SS")
    days, hours, minutes, seconds = (
        int(part or 0) for part in match.group("days", "hours", "minutes", "seconds")
    )
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
