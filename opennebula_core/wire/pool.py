"""All drivers of a cloud as the core sees them: by kind and name, started when first needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final

from opennebula_core.config import Config
from opennebula_core.plugins.description import Description
from opennebula_core.wire.descriptions import Descriptions
from opennebula_core.wire.dialects import Dialect, dialect_for, own_dialect
from opennebula_core.wire.dialects.vmm import VmmDialect
from opennebula_core.wire.events import DriverEvents
from opennebula_core.wire.launching import executable_launch, find_executable, own_launch
from opennebula_core.wire.limits import Limits
from opennebula_core.wire.monitored import MonitoredHosts
from opennebula_core.wire.monitoring.messages import MonitorMessage
from opennebula_core.wire.process import Launch
from opennebula_core.wire.requests import MonitorRequest, Reply, Request
from opennebula_core.wire.supervisor import DriverStatus, Supervisor

AT_MOST_ONCE: Final = frozenset({"REBOOT", "RESET", "SNAPSHOTCREATE", "BACKUP"})
"""What our own drivers, too, are never asked twice: a second time is a second effect."""

OnLog = Callable[[str, str, str, int, str], None]
OnMessage = Callable[[str, str, MonitorMessage], None]
OnProgress = Callable[[str, str, int, int, int], None]


def _ignore(*_: object) -> None:
    """Let an event pass that nobody asked for."""


class DriverPool:
    """Sends requests to drivers and their events to the core.

    :param on_log: kind, name, severity, object id (-1: none), text
    :param on_message: kind, name, monitoring value
    :param on_progress: kind, name, object id, done, total
    """

    def __init__(
        self,
        config: Config,
        on_log: OnLog = _ignore,
        on_message: OnMessage = _ignore,
        on_progress: OnProgress = _ignore,
        limits: Limits | None = None,
    ) -> None:
        self._config = config
        self._on_log = on_log
        self._on_message = on_message
        self._on_progress = on_progress
        self._limits = limits or Limits()
        self._supervisors: dict[tuple[str, str], Supervisor] = {}
        self._monitored: dict[str, MonitoredHosts] = {}
        self._dialects: dict[tuple[str, str], Dialect] = {}
        self._descriptions = Descriptions(config.location)

    async def request(
        self, kind: str, name: str, request: Request, *, timeout: timedelta | None = None
    ) -> Reply:
        """Ask a driver; see :meth:`.Supervisor.request`.

        :param timeout: the action's own limit; the driver's setting ``timeout_s`` goes before it
        :raises DriverError: there is no answer, or the driver cannot be asked that
        :raises ConfigError: the driver's settings are wrong
        """
        supervisor = self._supervisor(kind, name)
        configured_s = self._config.driver(kind, name).timeout_s
        if configured_s > 0:
            timeout = timedelta(seconds=configured_s)
        if isinstance(request, MonitorRequest):
            return await self._monitored[name].request(request, timeout)
        return await supervisor.request(request, timeout=timeout)

    async def cancel(self, kind: str, name: str, object_id: int) -> None:
        """Make a driver drop what it does for an object; the requests end as failures."""
        if supervisor := self._supervisors.get((kind, name)):
            await supervisor.cancel(object_id)

    async def describe(self, kind: str, name: str) -> Description:
        """Return what a driver can do; an executable's release says it.

        :raises PluginError: it cannot be loaded; the message says why
        :raises ConfigError: its settings are wrong
        """
        self._config.plugins.check(kind, name)
        if not self.is_executable(kind, name):
            return await self._descriptions.of(kind, name)
        settings = self._config.driver(kind, name)
        program = find_executable(self._config.location, settings.executable)
        actions = tuple(sorted(self.dialect(kind, name).described_actions))
        return Description(kind, name, program.name, settings.dialect, str(program), actions)

    def describer(self, name: str) -> str:
        """Return the VMM driver of ours that writes the deployment descriptions for one; may be empty."""
        if not self.is_executable("vmm", name):
            return name
        return self._config.driver("vmm", name).description

    def is_executable(self, kind: str, name: str) -> bool:
        """Whether the driver is a program that the configuration names, not an installed plugin."""
        return bool(self._config.driver(kind, name).executable)

    def dialect(self, kind: str, name: str) -> Dialect:
        """Return how the driver is spoken to.

        :raises ConfigError: its settings are wrong
        """
        dialect = self._dialects.get((kind, name))
        if dialect is None:
            settings = self._config.driver(kind, name)
            dialect = dialect_for(kind, settings.dialect) if settings.executable else own_dialect(kind)
            self._dialects[kind, name] = dialect
        return dialect

    def context_in_deploy(self, name: str) -> bool:
        """Whether a VMM driver makes the context CD; else its line belongs into the prolog's script."""
        dialect = self.dialect("vmm", name)
        return not isinstance(dialect, VmmDialect) or dialect.context_in_deploy

    def may_resend(self, kind: str, name: str, request: Request | str) -> bool:
        """Whether a request, or any of an action, may be sent again when its outcome is unknown."""
        action = request if isinstance(request, str) else request.action
        if not self.is_executable(kind, name):
            return action not in AT_MOST_ONCE
        dialect = self.dialect(kind, name)
        return action in dialect.resend_safe if isinstance(request, str) else dialect.may_resend(request)

    def status(self) -> list[DriverStatus]:
        """Return what the drivers that were needed so far are doing."""
        return [supervisor.status() for supervisor in self._supervisors.values()]

    async def stop(self) -> None:
        """End all drivers, at the same time."""
        await asyncio.gather(*(monitored.stop() for monitored in self._monitored.values()))
        await asyncio.gather(
            self._descriptions.stop(), *(supervisor.stop() for supervisor in self._supervisors.values())
        )

    def _supervisor(self, kind: str, name: str) -> Supervisor:
        supervisor = self._supervisors.get((kind, name))
        if supervisor is None:
            events = DriverEvents(
                on_log=partial(self._on_log, kind, name),
                on_progress=partial(self._on_progress, kind, name),
                on_message=partial(self._on_message, kind, name),
                on_gone=lambda _: self._gone(kind, name),
            )
            supervisor = Supervisor(
                kind, name, partial(self._launch, kind, name), self.dialect(kind, name), events, self._limits
            )
            self._supervisors[kind, name] = supervisor
            if kind == "im":
                self._monitored[name] = MonitoredHosts(supervisor, partial(self._on_message, kind, name))
        return supervisor

    def _launch(self, kind: str, name: str) -> Launch:
        self._config.plugins.check(kind, name)
        settings = self._config.driver(kind, name)
        if settings.executable:
            return executable_launch(self._config, kind, name, settings)
        return own_launch(self._config, kind, name)

    def _gone(self, kind: str, name: str) -> None:
        if kind == "im":
            self._monitored[name].driver_gone()
