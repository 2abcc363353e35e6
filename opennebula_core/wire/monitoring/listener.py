"""Where monitoring messages arrive: one port, UDP and TCP."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Final

from opennebula_core.errors import OpenNebulaError
from opennebula_core.wire.framing import Answer, parse_answer
from opennebula_core.wire.monitoring.messages import MonitorMessage
from opennebula_core.wire.monitoring.packing import decode_base64
from opennebula_core.wire.monitoring.reading import MESSAGE_TYPES, parse_message, parse_report

LOG = logging.getLogger(__name__)

MAX_MESSAGE_BYTES: Final = 8 * 1024 * 1024
"""A TCP message that grows beyond this is dropped; states of 50,000 guests are 1 MB."""

TCP_LIMIT_S: Final = 10.0
"""How long a message over TCP may take to arrive."""

MAX_CONNECTIONS: Final = 256
"""TCP connections at a time; more are closed at once."""

RECEIVE_BUFFER_BYTES: Final = 4 * 1024 * 1024
"""Room in the kernel for bursts of datagrams while the core is busy; granted up to net.core.rmem_max."""


class MonitorListener:
    """Receives the messages of information drivers and of their clients on hosts.

    :param port: 0: any free one, see :attr:`port`
    :param on_message: gets each value; called on the event loop
    """

    def __init__(self, address: str, port: int, on_message: Callable[[MonitorMessage], None]) -> None:
        self._address = address
        self._wanted_port = port
        self._on_message = on_message
        self._server: asyncio.Server | None = None
        self._datagrams: asyncio.DatagramTransport | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._damaged = 0

    @property
    def port(self) -> int:
        """The port that is listened on; 0 before :meth:`start`."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server is not None else 0

    async def start(self) -> None:
        """Begin to listen.

        :raises OSError: the address is in use or not ours
        """
        loop = asyncio.get_running_loop()
        self._server = await asyncio.start_server(self._connected, self._address, self._wanted_port)
        try:
            self._datagrams, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(self.receive), local_addr=(self._address, self.port)
            )
        except OSError:
            self._server.close()
            raise
        receiver = self._datagrams.get_extra_info("socket")
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)

    async def stop(self) -> None:
        """End listening."""
        if self._datagrams is not None:
            self._datagrams.close()
        if self._server is not None:
            self._server.close()
        connections = list(self._connections)
        for connection in connections:
            connection.cancel()
        if connections:
            await asyncio.wait(connections)

    def receive(self, data: bytes) -> None:
        """Take one message; one that is damaged is logged and dropped."""
        text = data.decode("utf-8", "replace")
        answer = parse_answer(text)
        try:
            messages = self._read(answer) if isinstance(answer, Answer) else None
        except (OpenNebulaError, ValueError) as error:
            self._drop(text, str(error))
            return
        if messages is None:
            self._drop(text, "it is none")
            return
        for message in messages:
            self._on_message(message)

    def _read(self, answer: Answer) -> list[MonitorMessage] | None:
        if answer.action in MESSAGE_TYPES:
            return parse_message(answer)
        if answer.action == "MONITOR":  # a client of 4.4 to 5.10
            return parse_report(answer.object_id, decode_base64(answer.info))
        return None

    def _drop(self, text: str, reason: str) -> None:
        """Log the first ones and then one of a thousand: anybody on the network may send rubbish."""
        self._damaged += 1
        if self._damaged <= 10 or self._damaged % 1000 == 0:
            LOG.warning("monitoring message %r dropped (%d so far): %s", text[:60], self._damaged, reason)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            if len(self._connections) < MAX_CONNECTIONS:
                self._connections.add(task)
                async with asyncio.timeout(TCP_LIMIT_S):
                    self.receive(await _read_all(reader))
        except (OSError, TimeoutError, ValueError) as error:
            LOG.warning("monitoring message over TCP dropped: %s", str(error) or "it takes too long")
        except asyncio.CancelledError:
            LOG.debug("monitoring message over TCP dropped: the core ends")
        finally:
            self._connections.discard(task)
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, receive: Callable[[bytes], None]) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._receive(data)


async def _read_all(reader: asyncio.StreamReader) -> bytes:
    """Return what the sender writes until it closes.

    :raises ValueError: it is too much
    """
    parts: list[bytes] = []
    size = 0
    while part := await reader.read(64 * 1024):
        parts.append(part)
        size += len(part)
        if size > MAX_MESSAGE_BYTES:
            raise ValueError(f"more than {MAX_MESSAGE_BYTES} bytes")
    return b"".join(parts)
