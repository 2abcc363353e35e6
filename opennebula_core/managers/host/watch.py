"""Watching hosts: monitoring is switched on and off, reports are taken in, hosts are lost and found."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta
from functools import partial

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.host import host_xml
from opennebula_core.documents.monitoring import host_monitoring
from opennebula_core.errors import DriverError
from opennebula_core.managers.core import Core
from opennebula_core.managers.host.capacity import apply_system
from opennebula_core.managers.host.configuration import monitor_configuration
from opennebula_core.managers.monitoring import write_series
from opennebula_core.managers.vm.monitor import VmMonitor
from opennebula_core.model.objects import Host
from opennebula_core.model.states import HostState
from opennebula_core.wire.monitoring import (
    HostBeacon,
    HostCapacity,
    HostFailed,
    HostSystem,
    MonitorMessage,
    VmMetrics,
    VmStates,
    parse_bundle,
)
from opennebula_core.wire.requests import MonitorRequest

LOG = logging.getLogger(__name__)

START_TIMEOUT = timedelta(seconds=60)
FLUSH_PERIOD_S = 10.0
CHECK_PERIOD_S = 5.0
_WATCHED = (HostState.INIT, HostState.MONITORED, HostState.ERROR, HostState.DISABLED)


class HostWatch:
    """Keeps every host's monitoring going and turns reports into states."""

    def __init__(self, core: Core, vms: VmMonitor) -> None:
        self._core = core
        self._vms = vms
        self._heard: dict[int, float] = {}
        self._starting: set[int] = set()
        self._port = 0

    # -- switching -------------------------------------------------------------------------------

    def listen_on(self, port: int) -> None:
        """Tell where the core receives monitoring messages."""
        self._port = port

    def start(self, host_id: int) -> None:
        """Begin to watch a host; returns at once."""
        if host_id not in self._starting:
            self._starting.add(host_id)
            self._core.spawn(self._start(host_id), f"start monitoring of host {host_id}")

    async def _start(self, host_id: int) -> None:
        try:
            host = self._core.store.read(lambda tx: tx.hosts.find(host_id))
            if host is None or host.state not in _WATCHED:
                return
            self._heard[host_id] = time.monotonic()
            await self._switch_on(host)
        finally:
            self._starting.discard(host_id)

    async def _switch_on(self, host: Host) -> None:
        request = MonitorRequest("START_MONITOR", host.id, host_xml(host), self._configuration())
        try:
            # Or its first VM would find out, on a host that looks well.
            await self._core.drivers.require("vmm", host.vm_mad)
            reply = await self._core.drivers.request("im", host.im_mad, request, timeout=START_TIMEOUT)
        except DriverError as error:
            await self._fail(host.id, str(error))
            return
        if not reply.success:
            await self._fail(host.id, reply.info)
            return
        for message in parse_bundle(host.id, reply.info):
            await self.take(message)

    def _configuration(self) -> str:
        return monitor_configuration(self._core.config.monitoring, self._port)

    def end(self, host: Host) -> None:
        """End the watching of a host; returns at once."""
        self._heard.pop(host.id, None)
        self._vms.forget_host(host.id)
        self._core.spawn(self._switch_off(host), f"stop monitoring of host {host.id}")

    async def _switch_off(self, host: Host) -> None:
        request = MonitorRequest("STOP_MONITOR", host.id, host_xml(host), self._configuration())
        try:
            await self._core.drivers.request("im", host.im_mad, request, timeout=START_TIMEOUT)
        except DriverError as error:
            LOG.warning("host %d: monitoring could not be switched off: %s", host.id, error)

    # -- reports ---------------------------------------------------------------------------------

    async def take(self, message: MonitorMessage) -> None:
        """Take in one message of monitoring."""
        if message.host_id not in self._heard:
            # It is of a host that is not watched (any more).
            return
        if isinstance(message, HostFailed):
            await self._fail(message.host_id, message.text)
            return
        self._heard[message.host_id] = time.monotonic()
        if isinstance(message, HostBeacon):
            return
        if isinstance(message, HostSystem):
            await self._take_system(message)
        elif isinstance(message, HostCapacity):
            await self._take_capacity(message)
        elif isinstance(message, VmStates):
            await self._take_states(message)
        elif isinstance(message, VmMetrics):
            self._core.store.read(lambda tx: self._vms.take_metrics(tx, message, int(time.time())))

    async def _take_system(self, message: HostSystem) -> None:
        plain = {name: value for name, value in message.attributes if isinstance(value, str)}
        host = self._core.store.read(lambda tx: tx.hosts.find(message.host_id))
        if host is None:
            return
        added = self._core.hooks.host_attributes(host.id, host.name, plain)
        for name, value in added.items():
            message.attributes.set(name, value)

        def write(tx: Transaction) -> None:
            known = tx.hosts.find(message.host_id)
            if known is not None and apply_system(tx, known, message.attributes):
                known.last_monitored, before = tx.now, known.state.name
                self._found(known)
                tx.hosts.save_after(before, known)

        await self._core.store.write(write)

    async def _take_capacity(self, message: HostCapacity) -> None:
        now = message.timestamp or int(time.time())
        document = host_monitoring(message.host_id, now, message.attributes)
        self._core.monitoring.put(ObjectKind.HOST, message.host_id, now, document)
        state = self._core.store.read(
            lambda tx: tx.value("SELECT state FROM host WHERE id = ?", (message.host_id,))
        )
        if state in (HostState.INIT, HostState.ERROR):
            await self._core.store.write(lambda tx: self._back(tx, message.host_id))

    def _back(self, tx: Transaction, host_id: int) -> None:
        host = tx.hosts.find(host_id)
        if host is not None and host.state in (HostState.INIT, HostState.ERROR) and host.total_cpu:
            self._found(host)
            host.last_monitored = tx.now
            tx.hosts.save(host, f"state {host.state.name}")

    @staticmethod
    def _found(host: Host) -> None:
        if host.state in (HostState.INIT, HostState.ERROR):
            LOG.info("host %d: monitored", host.id)
            host.prev_state, host.state = host.state, HostState.MONITORED
            host.template.remove("ERROR")

    async def _take_states(self, message: VmStates) -> None:
        new = self._core.store.read(lambda tx: self._vms.differing(tx, message))
        if new:
            await self._core.store.write(lambda tx: self._vms.apply(tx, message.host_id, new))

    # -- loss ------------------------------------------------------------------------------------

    async def _fail(self, host_id: int, reason: str) -> None:
        def write(tx: Transaction) -> None:
            host = tx.hosts.find(host_id)
            if host is None or host.state not in (HostState.INIT, HostState.MONITORED, HostState.ERROR):
                return
            if host.state is not HostState.ERROR:
                LOG.error("host %d: lost: %s", host_id, reason)
                host.prev_state, host.state = host.state, HostState.ERROR
                text = f"{time.ctime(tx.now)} : Error monitoring Host {host.name} ({host_id}): {reason}"
                host.template.set("ERROR", text)
                tx.hosts.save(host, "state ERROR")
            self._vms.host_lost(tx, host_id)

        if not self._core.store.read(lambda tx: self._is_known_lost(tx, host_id)):
            await self._core.store.write(write)

    def _is_known_lost(self, tx: Snapshot, host_id: int) -> bool:
        """Return whether a host and its VMs are shown as lost already; a plan may have ended since."""
        state = tx.value("SELECT state FROM host WHERE id = ?", (host_id,))
        return state == HostState.ERROR and not self._vms.running_on(tx, host_id)

    async def watch(self) -> None:
        """Run for ever: start all hosts, and start anew those that fell silent."""
        for host_id, _ in self._core.store.read(_watched_hosts):
            self.start(host_id)
        limit_s = float(self._core.config.monitoring.host_timeout_s)
        while True:
            await asyncio.sleep(CHECK_PERIOD_S)
            now = time.monotonic()
            silent = [host_id for host_id, heard in self._heard.items() if now - heard > limit_s]
            for host_id in silent:
                await self._fail(host_id, f"no report for {int(limit_s)} s")
                self.start(host_id)
            for host_id, state in self._core.store.read(_watched_hosts):
                if host_id not in self._heard or (state == HostState.ERROR and self._is_due(host_id, now)):
                    self.start(host_id)

    def _is_due(self, host_id: int, now: float) -> bool:
        """Return whether a host in ERROR shall be asked anew, should its driver not do so by itself."""
        return now - self._heard.get(host_id, 0.0) > self._core.config.monitoring.host_period_s

    async def keep_series(self) -> None:
        """Run for ever: write the samples to the series, a batch at a time."""
        while True:
            await asyncio.sleep(FLUSH_PERIOD_S)
            samples = self._core.monitoring.take_pending()
            if samples:
                oldest = int(time.time()) - self._core.config.monitoring.retention_s
                await self._core.store.write(partial(write_series, samples=samples, keep_after=oldest))


def _watched_hosts(tx: Snapshot) -> list[tuple[int, int]]:
    """Return id and STATE of every host that is watched: of thousands, every few seconds, nothing else."""
    return [(row[0], row[1]) for row in tx.query("SELECT id, state FROM host") if row[1] in _WATCHED]
