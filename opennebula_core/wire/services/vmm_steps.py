"""The steps of a VMM action, each told in the log: hypervisor, network and transfers."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, ParamSpec, TypeVar, cast
from xml.etree.ElementTree import Element

from opennebula_core.contracts.driver import Report
from opennebula_core.contracts.vmm import Guest
from opennebula_core.contracts.vnm import VnmDriver
from opennebula_core.errors import DriverError, DriverNotFoundError, OpenNebulaError
from opennebula_core.model.template import Vector
from opennebula_core.wire.services.drivers import DriverSet
from opennebula_core.wire.services.transfer import TransferRunner
from opennebula_core.wire.transfer_script import Command, parse_script

LOG = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

NETWORK_KIND: Final = "vnm"


class Steps:
    """Runs steps for one action and reports each, in OpenNebula's words."""

    def __init__(self, drivers: DriverSet, report: Report, attempt: int) -> None:
        self._drivers = drivers
        self._report = report
        self._attempt = attempt
        self._transfers = TransferRunner(drivers)

    async def call(
        self, host: str, method: Callable[P, Awaitable[T] | T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call a method of the driver without a line in the log."""
        return await self._drivers.call(host, method, *args, **kwargs)

    async def hypervisor(
        self, host: str, method: Callable[P, Awaitable[T] | T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call a method of the driver that acts on a guest."""
        step = self._drivers.call(host, method, *args, **kwargs)
        return await self._told("virtualization", method.__name__, step)

    async def network(self, name: str, guest: Guest, nics: Sequence[Vector]) -> None:
        """Call ``pre``, ``post`` or ``clean`` of the network drivers of these NICs, one after the other.

        :raises DriverError: it fails, or a driver is not installed
        """
        if nics:
            await self._told("network", name, self._network(name, guest, nics))

    async def _network(self, name: str, guest: Guest, nics: Sequence[Vector]) -> None:
        by_driver: defaultdict[str, list[Vector]] = defaultdict(list)
        for nic in nics:
            by_driver[nic["VN_MAD"]].append(nic)
        for driver_name, its_nics in by_driver.items():
            method = getattr(self._network_driver(driver_name), name)
            await self._drivers.call(guest.host, method, guest, its_nics)

    async def transfer(self, name: str, text: str) -> None:
        """Run the transfer lines that came with the request.

        :raises DriverError: the first one that fails
        """
        commands = parse_script(text).commands
        if commands:
            await self._told("transfer manager", f"tm_{name}", self._run(commands))

    async def _run(self, commands: Sequence[Command]) -> None:
        for command in commands:
            await self._transfers.run(command, self._report, self._attempt)

    async def transfer_each(self, name: str, text: str) -> None:
        """Run all transfer lines, whatever becomes of each."""
        for command in parse_script(text).commands:
            await self.attempt(self.transfer(name, command.text))

    async def migration(self, phase: str, text: str, vm: Element) -> None:
        """Run ``pre``, ``post`` or ``fail`` of the MIGRATE lines that came with the request."""
        for command in parse_script(text).commands:
            step = self._transfers.migrate(phase, command, vm, self._report, self._attempt)
            await self._told("transfer manager", f"tm_{phase}migrate", step)

    async def attempt(self, step: Awaitable[Any]) -> bool:
        """Run a step whose failure does not end the action: it is told in the log, no more."""
        try:
            await step
        except NotImplementedError:
            return False
        except (OpenNebulaError, OSError) as error:
            self._report.warning(str(error))
            return False
        except Exception as error:  # the border to foreign code: what follows must still be done
            LOG.exception("a step failed in a driver's code")
            self._report.warning(f"{type(error).__name__}: {error}; this is a fault of the driver")
            return False
        return True

    def _network_driver(self, name: str) -> VnmDriver:
        try:
            return cast(VnmDriver, self._drivers.get(NETWORK_KIND, name))
        except DriverNotFoundError as error:
            raise DriverError(f"Network driver {name!r} not available: {error}") from error

    async def _told(self, kind: str, name: str, step: Awaitable[T]) -> T:
        try:
            result = await step
        except Exception:
            self._report.info(f"Failed to execute {kind} driver operation: {name}.")
            raise
        self._report.info(f"Successfully execute {kind} driver operation: {name}.")
        return result
