"""The metrics plugin: what a scrape of a full cloud costs."""

from __future__ import annotations

from collections.abc import Iterator

from bench.api import REPEATS, fill, listing_ms
from bench.figures import Figure
from bench.front_end import FrontEnd


def measure_metrics(front_end: FrontEnd, scale: float) -> Iterator[Figure]:
    """Ask for the metrics of all VMs; they wait, so there are no figures of guests in them."""
    fill(front_end, max(int(10_000 * scale), 100))
    before_s = front_end.cpu_s()
    yield Figure("metrics", listing_ms(front_end, "one.metrics.show"))
    yield Figure("metrics-cpu", (front_end.cpu_s() - before_s) / REPEATS * 1000)
