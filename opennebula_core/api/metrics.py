"""Counters of requests, and their text for ``/metrics``. Source: the Prometheus text format 0.0.4."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Gauge = Callable[[], float]


@dataclass(slots=True)
class _Counter:
    succeeded: int = 0
    refused: int = 0
    seconds: float = 0.0


class RequestMetrics:
    """What was called how often, with what outcome, and how long it took.

    Only names from the method table are counted by name, so that callers cannot make it grow.
    """

    def __init__(self) -> None:
        self._started = time.time()
        self._methods: dict[str, _Counter] = {}
        self._faults = 0
        self._gauges: dict[str, tuple[str, Gauge]] = {}

    def count(self, method: str, seconds: float, *, is_success: bool) -> None:
        """Count one call of a method of the table."""
        counter = self._methods.get(method)
        if counter is None:
            counter = self._methods[method] = _Counter()
        if is_success:
            counter.succeeded += 1
        else:
            counter.refused += 1
        counter.seconds += seconds

    def count_fault(self) -> None:
        """Count a call that could not be understood."""
        self._faults += 1

    def add_gauge(self, name: str, help_text: str, gauge: Gauge) -> None:
        """Add a figure that is asked for whenever somebody looks, such as VMs that run."""
        self._gauges[name] = (help_text, gauge)

    def render(self) -> str:
        """Return the text of ``/metrics``."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield "# HELP opennebula_start_time_seconds When the process started."
        yield "# TYPE opennebula_start_time_seconds gauge"
        yield f"opennebula_start_time_seconds {self._started:.3f}"
        yield "# HELP opennebula_requests_total API calls by method and outcome."
        yield "# TYPE opennebula_requests_total counter"
        for method, counter in sorted(self._methods.items()):
            for outcome, number in (("success", counter.succeeded), ("refused", counter.refused)):
                yield f'opennebula_requests_total{{method="{method}",outcome="{outcome}"}} {number}'
        yield "# HELP opennebula_request_seconds_total Time that API calls took, by method."
        yield "# TYPE opennebula_request_seconds_total counter"
        for method, counter in sorted(self._methods.items()):
            yield f'opennebula_request_seconds_total{{method="{method}"}} {counter.seconds:.6f}'
        yield "# HELP opennebula_request_faults_total Calls that could not be understood."
        yield "# TYPE opennebula_request_faults_total counter"
        yield f"opennebula_request_faults_total {self._faults}"
        for name, (help_text, gauge) in sorted(self._gauges.items()):
            yield f"# HELP {name} {help_text}"
            yield f"# TYPE {name} gauge"
            yield f"{name} {gauge():g}"
