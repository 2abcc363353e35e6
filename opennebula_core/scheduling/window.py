"""The operator's limits, counted over an interval: rounds may follow each other within milliseconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from opennebula_core.contracts.scheduler import Limits, Migration, Placement


class Window:
    """Counts placements towards the limits; once ``interval_s`` has passed the count begins anew.

    :param limits: what the operator allows per interval
    """

    def __init__(self, limits: Limits, interval_s: float) -> None:
        self._limits = limits
        self._interval_s = interval_s
        self._began_s = float("-inf")
        self._per_host: Counter[int] = Counter()

    def open(self, now_s: float) -> Limits | None:
        """Return what the next round may do; None when the placements of the interval are used up.

        :param now_s: a monotonic time
        """
        if now_s >= self._began_s + self._interval_s:
            self._began_s = now_s
            self._per_host.clear()
        if not self._limits.max_dispatch:
            return self._limits
        left = self._limits.max_dispatch - self._per_host.total()
        return replace(self._limits, max_dispatch=left) if left > 0 else None

    @property
    def per_host(self) -> Mapping[int, int]:
        """Placements of the interval so far, by host."""
        return self._per_host

    def count(self, decision: Placement | Migration) -> None:
        """Count a placement that the core carried out."""
        self._per_host[decision.host_id] += 1

    def reopens_at_s(self) -> float:
        """Return the monotonic time at which the count begins anew."""
        return self._began_s + self._interval_s
