"""Times that the core keeps with drivers, and the pauses between a driver's deaths and restarts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Times, in seconds. Source: OpenNebula 5.12 for FINALIZE; the rest is ours, generous for a busy machine.

    :param request_s: how long a request may take when the caller says nothing; infinity is possible
    :param first_pause_s: between a death and the restart; it doubles with each further death
    :param patience_s: requests fail at once when the restart is further away than this
    :param stable_s: a process that lived this long has a death of its own: pauses begin anew
    """

    init_s: float = 20.0
    finalize_s: float = 2.0
    request_s: float = 3600.0
    first_pause_s: float = 0.25
    longest_pause_s: float = 60.0
    patience_s: float = 10.0
    stable_s: float = 60.0


class BackOff:
    """Counts the failures of a driver and says how long to leave it alone."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._failures = 0
        self._not_before = 0.0
        self.reason = ""
        """Why the driver failed last."""

    def note(self, now: float, reason: str, *, lived_s: float) -> None:
        """Note a failure of a process that had lived so long; 0 for one that never worked."""
        if lived_s >= self._limits.stable_s:
            self._failures = 0
        pause_s = min(self._limits.first_pause_s * 2.0**self._failures, self._limits.longest_pause_s)
        self._failures = min(self._failures + 1, 32)  # beyond, the power of two only grows
        self._not_before = now + pause_s
        self.reason = reason

    def pause_s(self, now: float) -> float:
        """Return how long it is until the driver may be started again; 0 when it may now."""
        return max(0.0, self._not_before - now)
