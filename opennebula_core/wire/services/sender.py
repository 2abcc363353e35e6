"""Sends monitoring messages to where the core listens."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from typing import Final, Self
from xml.etree.ElementTree import Element

from opennebula_core.errors import DriverError

LOG = logging.getLogger(__name__)

DEFAULT_PORT: Final = 4124
"""Source: OpenNebula, monitord.conf."""

TCP_LIMIT_S: Final = 10.0
ANYWHERE: Final = ("", "auto", "0.0.0.0", "::")
"""Addresses that name no machine: the core is then on this one, for the driver runs beside it."""


class MonitorSender:
    """Sends over UDP, where a message may be lost, and over TCP, where it may not."""

    def __init__(self, endpoint: tuple[str, int], family: int) -> None:
        self._endpoint = endpoint
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    @classmethod
    async def to(cls, configuration: Element) -> Self:
        """Return the sender to the address in a MONITOR_CONFIGURATION.

        :raises DriverError: the address is none
        """
        network = configuration.find("NETWORK")
        words = {child.tag: (child.text or "").strip() for child in network} if network is not None else {}
        names = (words.get("MONITOR_ADDRESS", ""), words.get("ADDRESS", ""))
        name = next((name for name in names if name not in ANYWHERE), "127.0.0.1")
        port = words.get("PORT") or DEFAULT_PORT
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(name, port, type=socket.SOCK_DGRAM)
        except OSError as error:
            raise DriverError(
                f"send monitoring messages to {name}:{port}: {error}; correct [monitoring] in oned.toml"
            ) from error
        family, _, _, _, address = found[0]
        return cls((str(address[0]), int(address[1])), family)

    def datagram(self, message: str) -> None:
        """Send over UDP. What the network does not take now is lost: a newer one follows soon."""
        with suppress(OSError):
            self._socket.sendto(message.encode(), self._endpoint)

    async def stream(self, message: str) -> None:
        """Send over TCP: one connection, one message."""
        try:
            async with asyncio.timeout(TCP_LIMIT_S):
                _, writer = await asyncio.open_connection(*self._endpoint)
                try:
                    writer.write(message.encode())
                    await writer.drain()
                finally:
                    writer.close()
                    await writer.wait_closed()
        except (OSError, TimeoutError) as error:
            LOG.warning(
                "monitoring message to %s:%d not sent: %s", *self._endpoint, str(error) or "no answer"
            )

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
