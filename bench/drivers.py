"""The core's side of a driver, the pipe and the dummy driver, without the rest of the core."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.driver_actions import measure, requests
from bench.figures import Figure
from bench.front_end import FrontEnd
from opennebula_core.config import Config, Location
from opennebula_core.wire.pool import DriverPool

IN_FLIGHT = 200


def measure_driver_actions(front_end: FrontEnd, scale: float) -> Iterator[Figure]:
    """Ask for the state of guests through one driver process, the smallest action there is."""
    count = max(int(5000 * scale), IN_FLIGHT)
    with TemporaryDirectory(dir=front_end.location.var) as folder:
        yield Figure("driver-actions", count / asyncio.run(_polls_s(Location.at(folder), count)))


async def _polls_s(location: Location, count: int) -> float:
    location.create()
    description: Path = location.var / "deployment.0"
    description.write_text("<domain/>")
    pool = DriverPool(Config(location))
    try:
        await measure(pool, requests("POLL", 1, description), 1)
        started = time.perf_counter()
        failures = await measure(pool, requests("POLL", count, description), IN_FLIGHT)
        taken_s = time.perf_counter() - started
    finally:
        await pool.stop()
    if failures:
        raise RuntimeError(f"{failures} of {count} driver actions failed")
    return taken_s
