"""The driver: bridges and packet filters of a guest's NICs are there before it starts, and go with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import ClassVar

from opennebula_core.contracts.driver import DriverContext, Option
from opennebula_core.contracts.vmm import Guest
from opennebula_core.contracts.vnm import VnmDriver
from opennebula_core.errors import DriverError, RemoteError
from opennebula_core.model.template import Vector
from opennebula_core.remote import REMOTE_OPTIONS, Completed, Remote, RemoteOptions
from opennebula_vnm_bridge.interface_names import interface_name
from opennebula_vnm_bridge.nft import install, remove
from opennebula_vnm_bridge.nic_filter import NicFilter, read_filter
from opennebula_vnm_bridge.scripts import CLEAN_BRIDGE, INSTALL_FILTER, MAKE_BRIDGE, REMOVE_FILTER

COMMAND_LIMIT = timedelta(seconds=60)
_MOST_LINES = 5
"""Of what a command says; nft says much about each wrong line."""


class BridgeDriver(VnmDriver):
    """Makes the bridges of a guest's networks on its host, and filters what its NICs send and receive.

    A bridge that is there already is used as it is, and never removed; one that this driver made bears a mark
    (its alias) and is removed with the last guest on it, unless the host has an address there.
    """

    options: ClassVar[tuple[Option, ...]] = (
        *REMOTE_OPTIONS,
        Option("sudo", bool, True, "Run ip and nft through sudo -n where the user on the host is not root."),
        Option(
            "keep_empty_bridge", bool, False, "Leave bridges that this driver made when nothing is on them."
        ),
    )

    def __init__(self, context: DriverContext) -> None:
        super().__init__(context)
        self._remote = Remote(RemoteOptions.from_driver(self))

    async def close(self) -> None:
        """Close the connections."""
        await self._remote.close()

    async def pre(self, guest: Guest, nics: Sequence[Vector]) -> None:
        """Make the bridges that are missing, plug in physical interfaces, and put the filters in force.

        They are before the guest's interfaces are: no packet passes that a rule stops.
        """
        bridges, filters = sorted(_bridges(nics)), [read_filter(guest, nic) for nic in nics]
        for bridge, device in bridges:
            await self._run(guest.host, MAKE_BRIDGE, bridge, device)
        for nic in filters:
            await self._filter(guest.host, nic)

    async def update_sg(self, guest: Guest, nics: Sequence[Vector]) -> None:
        """Put the filters in force that the rules ask for now; of a guest that has left there is none."""
        for nic in [read_filter(guest, nic) for nic in nics]:
            await self._filter(guest.host, nic, "there")

    async def clean(self, guest: Guest, nics: Sequence[Vector]) -> None:
        """Remove the filters, and bridges that this driver made and that nothing is plugged into any more."""
        for nic in nics:
            await self._remove(guest.host, NicFilter(interface_name(nic, "TARGET", is_optional=True)))
        if bool(self.setting("keep_empty_bridge")):
            return
        for bridge, device in sorted(_bridges(nics)):
            await self._run(guest.host, CLEAN_BRIDGE, bridge, device)

    async def _filter(self, host: str, nic: NicFilter, where: str = "") -> None:
        if nic.is_needed:
            await self._nft(host, INSTALL_FILTER, nic, install(nic), where)
        else:
            await self._remove(host, nic)

    async def _remove(self, host: str, nic: NicFilter) -> None:
        if nic.interface:
            await self._nft(host, REMOVE_FILTER, nic, remove(nic))

    async def _nft(self, host: str, script: str, nic: NicFilter, transaction: str, *more: str) -> None:
        argv = ["sh", "-c", script, "sh", self._mode, nic.interface, *more]
        try:
            completed = await self._remote.run(
                host, argv, stdin=transaction, timeout=COMMAND_LIMIT, check=False
            )
        except RemoteError as error:
            raise DriverError(str(error)) from error
        _check(completed, f"packet filter of {nic.interface!r} on {host!r}")

    async def _run(self, host: str, script: str, bridge: str, device: str) -> None:
        try:
            completed = await self._remote.script(
                host, script, [self._mode, bridge, device], timeout=COMMAND_LIMIT, check=False
            )
        except RemoteError as error:
            raise DriverError(str(error)) from error
        _check(completed, f"bridge {bridge!r} on {host!r}")

    @property
    def _mode(self) -> str:
        return "sudo" if bool(self.setting("sudo")) else "plain"


def _check(completed: Completed, what: str) -> None:
    if completed.status != 0:
        lines = [line.strip() for line in completed.stderr.splitlines() if line.strip()]
        said = "; ".join(lines[:_MOST_LINES])
        raise DriverError(f"{what}: {said or f'exit status {completed.status}'}")


def _bridges(nics: Iterable[Vector]) -> set[tuple[str, str]]:
    """Return bridge and physical interface (may be empty) of each network, checked."""
    return {(interface_name(nic, "BRIDGE"), interface_name(nic, "PHYDEV", is_optional=True)) for nic in nics}
