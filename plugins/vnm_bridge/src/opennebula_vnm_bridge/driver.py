"""The driver: the bridges that a guest's NICs plug into are there before it starts, and go when unused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import ClassVar

from opennebula_core.contracts.driver import DriverContext, Option
from opennebula_core.contracts.vmm import Guest
from opennebula_core.contracts.vnm import VnmDriver
from opennebula_core.errors import DriverError, RemoteError
from opennebula_core.model.template import Vector
from opennebula_core.remote import REMOTE_OPTIONS, Remote, RemoteOptions
from opennebula_vnm_bridge.scripts import CLEAN_BRIDGE, MAKE_BRIDGE

INTERFACE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,14}")
"""Source: Linux, IFNAMSIZ; the rest of what the kernel allows has no place in a command."""
COMMAND_LIMIT = timedelta(seconds=60)


class BridgeDriver(VnmDriver):
    """Makes the bridges of a guest's networks on its host.

    A bridge that is there already is used as it is, and never removed; one that this driver made bears a mark
    (its alias) and is removed with the last guest on it, unless the host has an address there.
    """

    options: ClassVar[tuple[Option, ...]] = (
        *REMOTE_OPTIONS,
        Option("sudo", bool, True, "Run ip through sudo -n where the user on the host is not root."),
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
        """Make the bridges that are missing, and plug in the physical interfaces that networks name."""
        for bridge, device in sorted(_bridges(nics)):
            await self._run(guest.host, MAKE_BRIDGE, bridge, device)

    async def clean(self, guest: Guest, nics: Sequence[Vector]) -> None:
        """Remove bridges that this driver made and that nothing is plugged into any more."""
        if bool(self.setting("keep_empty_bridge")):
            return
        for bridge, device in sorted(_bridges(nics)):
            await self._run(guest.host, CLEAN_BRIDGE, bridge, device)

    async def _run(self, host: str, script: str, bridge: str, device: str) -> None:
        sudo = "sudo" if bool(self.setting("sudo")) else "plain"
        try:
            completed = await self._remote.script(
                host, script, [sudo, bridge, device], timeout=COMMAND_LIMIT, check=False
            )
        except RemoteError as error:
            raise DriverError(str(error)) from error
        if completed.status != 0:
            said = "; ".join(line.strip() for line in completed.stderr.splitlines() if line.strip())
            raise DriverError(f"bridge {bridge!r} on {host!r}: {said or f'exit status {completed.status}'}")


def _bridges(nics: Iterable[Vector]) -> set[tuple[str, str]]:
    """Return bridge and physical interface (may be empty) of each network, checked."""
    found = set()
    for nic in nics:
        bridge, device = nic.get("BRIDGE", ""), nic.get("PHYDEV", "")
        for what, name in (("BRIDGE", bridge), ("PHYDEV", device)):
            if (name or what == "BRIDGE") and not INTERFACE_NAME.fullmatch(name):
                raise DriverError(
                    f"NIC {nic.get('NIC_ID', '?')}: {what} {name!r} is no name of an interface; "
                    f"correct it in network {nic.get('NETWORK_ID', '?')}"
                )
        found.add((bridge, device))
    return found
