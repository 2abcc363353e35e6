"""Information drivers as a process: keeps the periods, looks at hosts, sends what it sees to the core."""

from __future__ import annotations

import asyncio
import time
from typing import Final, cast
from xml.etree.ElementTree import Element

from opennebula_core.contracts.im import ImDriver, MonitoredHost
from opennebula_core.errors import DriverError, OpenNebulaError, XmlError
from opennebula_core.model.elements import parse_element
from opennebula_core.wire.framing import RequestLine
from opennebula_core.wire.monitoring.packing import pack, unpack
from opennebula_core.wire.monitoring.writing import bundle
from opennebula_core.wire.services.drivers import DriverSet
from opennebula_core.wire.services.host_watch import HostWatch, Periods
from opennebula_core.wire.services.report import WireReport
from opennebula_core.wire.services.sender import MonitorSender
from opennebula_core.wire.services.service import Job, Service

MAX_LOOKS: Final = 200
"""Hosts that are looked at at the same time; each may hold a connection."""


class ImService(Service):
    """Watches hosts from START_MONITOR to STOP_MONITOR."""

    kind = "im"

    def __init__(self, name: str, drivers: DriverSet) -> None:
        super().__init__(name, drivers)
        self._watches: dict[int, HostWatch] = {}
        self._places = asyncio.Semaphore(MAX_LOOKS)

    def load(self) -> None:
        """Load the driver."""
        self._driver = cast(ImDriver, self.drivers.get(self.kind, self.name))

    def job(self, request: RequestLine, report: WireReport) -> Job:
        """Understand START_MONITOR and STOP_MONITOR."""
        match request.action:
            case "START_MONITOR":
                document = _document(request)
                host = _host(document, request)
                return Job("", lambda: self._start(host, document))
            case "STOP_MONITOR":
                return Job("", lambda: self._stop(request.object_id))
            case _:
                raise NotImplementedError

    def info(self, text: str, *, success: bool) -> str:
        """Return the time and the packed text."""
        return f"{int(time.time())} {pack(text)}"

    async def close(self) -> None:
        """End all watches."""
        watches = list(self._watches.values())
        self._watches.clear()
        await asyncio.gather(*(watch.stop() for watch in watches))

    async def _start(self, host: MonitoredHost, document: Element) -> str:
        """Look at the host once for the answer, and go on by itself, also when that look failed."""
        await self._stop(host.host_id)
        configuration = document.find("MONITOR_CONFIGURATION")
        configuration = configuration if configuration is not None else Element("MONITOR_CONFIGURATION")
        sender = await MonitorSender.to(configuration)
        watch = HostWatch(host, self._driver, self.drivers, sender, Periods.read(configuration), self._places)
        self._watches[host.host_id] = watch
        try:
            first = await watch.look()
        except (OpenNebulaError, OSError):
            if self._watches.get(host.host_id) is watch:
                watch.begin(None)
            raise
        if self._watches.get(host.host_id) is watch:
            watch.begin(first)
        return bundle(first, int(time.time()))

    async def _stop(self, host_id: int) -> str:
        if watch := self._watches.pop(host_id, None):
            await watch.stop()
        return ""


def _document(request: RequestLine) -> Element:
    """Return the payload, root MONITOR_DRIVER_ACTION.

    :raises DriverError: it is missing or damaged
    """
    where = f"{request.action} of host {request.object_id}"
    if not request.words:
        raise DriverError(f"{where}: the payload is missing; send MONITOR_DRIVER_ACTION, packed")
    try:
        return parse_element(unpack(request.words[-1]))
    except XmlError as error:
        raise DriverError(f"{where}: its payload is damaged: {error}") from None


def _host(document: Element, request: RequestLine) -> MonitoredHost:
    host = document.find("HOST")
    name = host.findtext("NAME", "").strip() if host is not None else ""
    if host is None or not name:
        raise DriverError(f"{request.action} of host {request.object_id}: the payload names no host")
    return MonitoredHost(request.object_id, name, host)
