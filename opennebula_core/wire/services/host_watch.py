"""One host under watch: looked at on a period, and everything that is due then sent to the core."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.contracts.im import GuestReport, HostReport, ImDriver, MonitoredHost
from opennebula_core.errors import DriverError, OpenNebulaError
from opennebula_core.wire.monitoring.writing import (
    capacity_text,
    message,
    metrics_texts,
    states_text,
    system_text,
)
from opennebula_core.wire.services.drivers import DriverSet
from opennebula_core.wire.services.sender import MonitorSender

LOG = logging.getLogger(__name__)

PROBE_LIMIT_S: Final = 60.0
"""A look that takes longer has failed."""

JITTER: Final = 0.1
"""By so much periods vary, so that the looks at many hosts spread out."""


@dataclass(frozen=True, slots=True)
class Periods:
    """How often what is sent, in seconds. Source of the defaults: OpenNebula 6.10, monitord.conf."""

    beacon: float = 30.0
    system: float = 600.0
    capacity: float = 120.0
    states: float = 5.0
    metrics: float = 30.0
    sync: float = 180.0

    @classmethod
    def read(cls, configuration: Element) -> Periods:
        """Return the periods in a MONITOR_CONFIGURATION; what it does not say is as usual."""
        found: dict[str, float] = {}
        for field_name, name in _PERIOD_NAMES.items():
            text = configuration.findtext(f"PROBES_PERIOD/{name}", "").strip()
            if text.replace(".", "", 1).isdecimal() and float(text) > 0:
                found[field_name] = float(text)
        return cls(**found)

    @property
    def look(self) -> float:
        """Between two looks: as often as the most frequent message needs."""
        return min(self.capacity, self.states, self.metrics)


_PERIOD_NAMES: Final = {
    "beacon": "BEACON_HOST",
    "system": "SYSTEM_HOST",
    "capacity": "MONITOR_HOST",
    "states": "STATE_VM",
    "metrics": "MONITOR_VM",
    "sync": "SYNC_STATE_VM",
}


class HostWatch:
    """Looks at a host again and again until it is stopped; one that fails is told of and looked at again.

    :param places: limits how many hosts are looked at at the same time
    """

    def __init__(
        self,
        host: MonitoredHost,
        driver: ImDriver,
        drivers: DriverSet,
        sender: MonitorSender,
        periods: Periods,
        places: asyncio.Semaphore,
    ) -> None:
        self.host = host
        self._driver = driver
        self._drivers = drivers
        self._sender = sender
        self._periods = periods
        self._places = places
        self._due: dict[str, float] = {}
        self._guests: dict[tuple[int, str], GuestReport] = {}
        self._task: asyncio.Task[None] | None = None

    async def look(self) -> HostReport:
        """Look at the host once.

        :raises DriverError: it cannot be reached, or takes too long
        """
        async with self._places:
            try:
                async with asyncio.timeout(PROBE_LIMIT_S):
                    return await self._drivers.call(self.host.name, self._driver.probe, self.host)
            except TimeoutError:
                raise DriverError(
                    f"monitor host {self.host.name!r}: no answer in {PROBE_LIMIT_S:g} s; see whether it hangs"
                ) from None

    def begin(self, first: HostReport | None) -> None:
        """Go on by itself; ``first`` has been told to the core already."""
        if first is not None:
            self._told(first)
        self._task = asyncio.get_running_loop().create_task(self._go_on())

    async def stop(self) -> None:
        """End it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._sender.close()

    async def _go_on(self) -> None:
        pause_s = self._periods.look * random.uniform(JITTER, 1)  # spread hosts that began together
        while True:
            await asyncio.sleep(pause_s)
            try:
                await self._send(await self.look())
            except (OpenNebulaError, OSError) as error:
                self._fail(str(error))
            except Exception as error:  # the border to foreign code: the watch must go on
                LOG.exception("host %d: failed in the driver's code", self.host.host_id)
                self._fail(f"monitor host {self.host.name!r}: {type(error).__name__}: {error}")
            pause_s = self._periods.look * random.uniform(1 - JITTER, 1 + JITTER)

    def _fail(self, reason: str) -> None:
        """Tell the core, at each look: datagrams get lost. Once the host is back everything is due."""
        self._due.clear()
        self._sender.datagram(self._message("MONITOR_HOST", reason, success=False))

    async def _send(self, report: HostReport) -> None:
        if self._is_due("system", self._periods.system):
            self._sender.datagram(self._message("SYSTEM_HOST", system_text(report)))
        if self._is_due("capacity", self._periods.capacity):
            self._sender.datagram(self._message("MONITOR_HOST", capacity_text(report)))
        if self._is_due("metrics", self._periods.metrics):
            for text in metrics_texts(report.guests):
                self._sender.datagram(self._message("MONITOR_VM", text))
        if self._is_due("beacon", self._periods.beacon):
            self._sender.datagram(self._message("BEACON_HOST", str(int(time.time()))))
        if self._is_due("states", self._periods.states):
            sync = report.complete and self._is_due("sync", self._periods.sync)
            vanished = self._vanished(report)
            text = states_text(report.guests, sync=sync, vanished=vanished)
            await self._sender.stream(self._message("STATE_VM", text))

    def _vanished(self, report: HostReport) -> list[GuestReport]:
        """Return the guests that were there at the last look and are gone."""
        before = self._guests
        found = {(guest.vm_id, guest.deploy_id): guest for guest in report.guests}
        if not report.complete:
            self._guests = {**before, **found}
            return []
        self._guests = found
        return [guest for key, guest in before.items() if key not in found and guest.vm_id >= 0]

    def _told(self, report: HostReport) -> None:
        for name in ("system", "capacity", "metrics", "beacon", "states", "sync"):
            self._is_due(name, getattr(self._periods, name))
        self._vanished(report)

    def _is_due(self, name: str, period_s: float) -> bool:
        """Say whether it is time, half a look early rather than half a look late; the next time is noted."""
        now = time.monotonic()
        if now + self._periods.look / 2 < self._due.get(name, 0.0):
            return False
        self._due[name] = now + period_s
        return True

    def _message(self, type_: str, text: str, *, success: bool = True) -> str:
        return message(type_, self.host.host_id, int(time.time()), text, success=success)
