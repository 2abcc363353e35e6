"""The hosts that an information driver watches: again after its restart, and asked one by one if needed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from opennebula_core.errors import DriverError
from opennebula_core.model.elements import parse_element
from opennebula_core.wire.dialects.im import PULL, START, ImDialect
from opennebula_core.wire.monitoring.messages import HostFailed, MonitorMessage
from opennebula_core.wire.requests import MonitorRequest, Reply
from opennebula_core.wire.supervisor import Supervisor

LOG = logging.getLogger(__name__)

DEFAULT_PERIOD_S: Final = 30.0
"""Between two looks at a host by a driver that sends nothing by itself."""

REVIVAL_PAUSE_S: Final = 5.0
"""Between two attempts to start a driver that does not start."""


class MonitoredHosts:
    """Keeps the hosts of one information driver under watch.

    :param on_message: gets the failures that no answer of the driver tells
    """

    def __init__(self, supervisor: Supervisor, on_message: Callable[[MonitorMessage], None]) -> None:
        self._supervisor = supervisor
        self._on_message = on_message
        self._watched: dict[int, MonitorRequest] = {}
        self._pulls: dict[int, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def pulls(self) -> bool:
        """The driver has to be asked for each look."""
        dialect = self._supervisor.dialect
        return isinstance(dialect, ImDialect) and dialect.pulls

    async def request(self, request: MonitorRequest, timeout: timedelta | None) -> Reply:
        """Begin or end to watch a host.

        :raises DriverError: see :meth:`.Supervisor.request`
        """
        if request.action == START:
            self._watched[request.host_id] = request
            reply = await self._supervisor.request(request, timeout=timeout)
            if self.pulls and request.host_id not in self._pulls:
                self._pulls[request.host_id] = self._begin(self._pull(request.host_id))
            return reply
        self._watched.pop(request.host_id, None)
        if self.pulls:
            if task := self._pulls.pop(request.host_id, None):
                task.cancel()
            return Reply(True, "")
        return await self._supervisor.request(request, timeout=timeout)

    def driver_gone(self) -> None:
        """Take note that the driver's process ended: what it watched must be watched again."""
        if self._watched and not self.pulls:
            self._begin(self._revive())

    async def stop(self) -> None:
        """End what goes on."""
        self._watched.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _revive(self) -> None:
        """Start the driver and hand it its hosts; if it dies meanwhile, its end begins this anew."""
        while self._watched:
            try:
                await self._supervisor.start()
            except DriverError:
                await asyncio.sleep(REVIVAL_PAUSE_S)
                continue
            await asyncio.gather(*(self._watch_again(request) for request in list(self._watched.values())))
            return

    async def _watch_again(self, request: MonitorRequest) -> None:
        try:
            reply = await self._supervisor.request(request)
        except DriverError as error:
            reply = Reply(False, str(error))
        if not reply.success and request.host_id in self._watched:
            self._on_message(HostFailed(request.host_id, 0, reply.info))

    async def _pull(self, host_id: int) -> None:
        """Ask for one look after the other; what the answers say comes as messages."""
        while (request := self._watched.get(host_id)) is not None:
            await asyncio.sleep(_period_s(request))
            try:
                await self._supervisor.request(replace(request, action=PULL))
            except DriverError as error:
                self._on_message(HostFailed(host_id, 0, str(error)))

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"monitoring by {self._supervisor}")
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            LOG.error("%s: monitoring failed", self._supervisor, exc_info=error)


def _period_s(request: MonitorRequest) -> float:
    configuration = parse_element(request.configuration_xml or "<MONITOR_CONFIGURATION/>")
    text = configuration.findtext("PROBES_PERIOD/MONITOR_HOST", "").strip()
    try:
        return float(text)
    except ValueError:
        return DEFAULT_PERIOD_S
