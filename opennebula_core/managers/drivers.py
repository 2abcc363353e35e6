"""What the managers know of drivers: what they can do, what may be sent twice, who writes descriptions.

The declarations come from ``onedriver KIND NAME --describe``, asked once for each driver; until the answer is
there a driver is taken at its word that it can do everything.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from opennebula_core.config import Config
from opennebula_core.contracts.kinds import group_of
from opennebula_core.errors import (
    ConfigError,
    DriverError,
    DriverNotFoundError,
    DriverTimeoutError,
    DriverUnusableError,
    OpenNebulaError,
    PluginError,
)
from opennebula_core.managers.hooks import CoreHooks
from opennebula_core.plugins.description import Description
from opennebula_core.plugins.discovery import installed
from opennebula_core.wire.pool import DriverPool
from opennebula_core.wire.requests import Reply, Request

LOG = logging.getLogger(__name__)

_ANSWERS_LATE = ("vmm", "tm", "datastore")
"""Kinds whose requests are known by action and object alone."""


class Drivers:
    """The drivers of one front-end, with what they have declared."""

    def __init__(self, pool: DriverPool, config: Config, hooks: CoreHooks) -> None:
        self.pool = pool
        self._config = config
        self._hooks = hooks
        self._known: dict[tuple[str, str], Description | None] = {}
        self._asking: dict[tuple[str, str], asyncio.Task[Description | None]] = {}

    async def request(
        self, kind: str, name: str, request: Request, *, timeout: timedelta | None = None
    ) -> Reply:
        """Send a request to a driver, unless a plugin refuses it, and return its answer.

        :raises DriverError: it was refused or not answered, or there is no such driver
        """
        what = (kind, name, request.action, request.object_id)
        self._hooks.before_driver_action(*what)
        try:
            reply = await self._answer(kind, name, request, timeout)
        except DriverError as error:
            self._hooks.driver_action_done(*what, success=False, info=str(error))
            raise
        self._hooks.driver_action_done(*what, success=reply.success, info=reply.info)
        return reply

    async def _answer(self, kind: str, name: str, request: Request, timeout: timedelta | None) -> Reply:
        try:
            return await self.pool.request(kind, name, request, timeout=timeout)
        except (ConfigError, PluginError) as error:
            raise DriverUnusableError(f"driver {kind}/{name}: {error}") from error
        except DriverTimeoutError:
            # Or a later request of the same kind would take this one's answer, and run beside it. MONITOR's
            # number is a datastore's: what its driver does for the image of that number is not to be dropped.
            if kind in _ANSWERS_LATE and (kind, request.action) != ("datastore", "MONITOR"):
                await self.cancel(kind, name, request.object_id)
            raise

    async def cancel(self, kind: str, name: str, object_id: int) -> None:
        """Have a driver drop what it is doing for an object."""
        try:
            await self.pool.cancel(kind, name, object_id)
        except OpenNebulaError as error:
            LOG.warning("driver %s/%s: cancel of %d failed: %s", kind, name, object_id, error)

    def can(self, kind: str, name: str, action: str) -> bool:
        """Return whether the driver has declared the action, True when it is not known yet."""
        description = self._known.get((kind, name))
        return description is None or action in description.actions

    def may_resend(self, kind: str, name: str, request: Request | str) -> bool:
        """Return whether the driver takes the same request, or any of an action, twice without harm."""
        return self.pool.may_resend(kind, name, request)

    def makes_context(self, vmm_name: str) -> bool:
        """Return whether a VMM driver has the context CD made; else the transfer before it has to."""
        return self.pool.context_in_deploy(vmm_name)

    def description_writer(self, name: str) -> str:
        """Return the VMM plugin that writes deployment descriptions for the driver.

        :raises DriverError: it is a program of its own and the configuration names no plugin
        """
        if not self.pool.is_executable("vmm", name):
            return name
        settings = self._config.drivers.get("vmm", {}).get(name)
        if settings is None or not settings.description:
            raise DriverError(
                f"driver vmm/{name} is a program of its own: set description in [drivers.vmm.{name}] "
                f"to the plugin that writes deployment descriptions for it, such as kvm"
            )
        return settings.description

    async def transfer_driver(self, vmm_name: str) -> str:
        """Return the TM driver that the hosts of a VMM driver need, empty when datastores decide."""
        description = await self.describe("vmm", vmm_name)
        return "" if description is None else description.transfer_driver

    async def describe(self, kind: str, name: str) -> Description | None:
        """Return what the driver has declared, None for a program of its own or one that cannot tell."""
        key = (kind, name)
        if key in self._known:
            return self._known[key]
        if self.pool.is_executable(kind, name):
            self._known[key] = None
            return None
        if key not in self._asking:
            self._asking[key] = asyncio.get_running_loop().create_task(self._ask(key))
        return await asyncio.shield(self._asking[key])

    async def _ask(self, key: tuple[str, str]) -> Description | None:
        try:
            description = await self.pool.describe(*key)
        except OpenNebulaError as error:
            # It is asked again next time: the operator may install it meanwhile.
            LOG.warning("driver %s/%s: %s", *key, error)
            return None
        finally:
            self._asking.pop(key, None)
        self._known[key] = description
        return description

    async def require(self, kind: str, name: str) -> None:
        """Make sure that a driver can be used, for who would find out only when it is too late.

        :raises DriverUnusableError: it is not installed, does not load, or its settings are wrong
        """
        if self._known.get((kind, name)) is not None:
            return
        try:
            await self.pool.describe(kind, name)
        except (ConfigError, PluginError) as error:
            raise DriverUnusableError(f"driver {kind}/{name}: {error}") from error

    def check_installed(self, kind: str, name: str) -> None:
        """Make sure that somebody offers a driver; its package's metadata is read, nothing imported.

        :raises DriverNotFoundError: nobody does; the message lists those that there are
        :raises ConfigError: it is not to be used
        """
        self._config.plugins.check(kind, name)
        known = {info.name for info in installed(group_of(kind))}
        if name not in known and not self.pool.is_executable(kind, name):
            raise DriverNotFoundError(group_of(kind), name, known)

    def forget(self) -> None:
        """Ask every driver anew, after packages were installed or removed."""
        self._known.clear()
