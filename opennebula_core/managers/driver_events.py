"""Where the events of drivers go: log lines to the logs of VMs, monitoring to the host manager."""

from __future__ import annotations

import asyncio
import logging

from opennebula_core.managers.core import Core
from opennebula_core.wire.monitoring import MonitorMessage

LOG = logging.getLogger(__name__)

_LEVELS = {"E": logging.ERROR, "W": logging.WARNING, "I": logging.INFO, "D": logging.DEBUG}
_VM_KINDS = {"vmm": "VMM", "tm": "TrM"}
MAX_WAITING = 100_000
"""Monitoring messages that wait to be taken in; more are dropped, the next period brings news."""


class DriverEventSink:
    """Takes events from the event loop's callbacks; nothing here blocks."""

    def __init__(self) -> None:
        self._core: Core | None = None
        self._messages: asyncio.Queue[MonitorMessage] = asyncio.Queue(MAX_WAITING)

    def connect(self, core: Core) -> None:
        """Tell where events go; monitoring is taken in from the core's start on."""
        self._core = core
        core.on_start.append(lambda: core.spawn(self._take_messages(core), "monitoring intake"))

    def log(self, kind: str, name: str, severity: str, object_id: int, text: str) -> None:
        """Write a driver's line to the log of the VM that it is about, or to the daemon's."""
        if self._core is not None and kind in _VM_KINDS and object_id >= 0:
            self._core.vm_log.write(object_id, severity, text, _VM_KINDS[kind])
        else:
            LOG.log(_LEVELS.get(severity, logging.INFO), "driver %s/%s: %d: %s", kind, name, object_id, text)

    def progress(self, kind: str, name: str, object_id: int, done: int, total: int) -> None:
        """Keep how far a long action is."""
        if self._core is not None:
            self._core.progress[kind, object_id] = (done, total)

    def message(self, kind: str, name: str, message: MonitorMessage) -> None:
        """Take in what an information driver says on its pipe."""
        self.monitored(message)

    def monitored(self, message: MonitorMessage) -> None:
        """Take in what arrives on the network."""
        try:
            self._messages.put_nowait(message)
        except asyncio.QueueFull:
            LOG.warning(
                "monitoring: %d messages wait; one of host %d is dropped", MAX_WAITING, message.host_id
            )

    async def _take_messages(self, core: Core) -> None:
        while True:
            message = await self._messages.get()
            try:
                await core.host_watch.take(message)
            except Exception:
                LOG.exception("host %d: a report could not be taken in", message.host_id)
