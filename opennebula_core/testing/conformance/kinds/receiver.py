"""Where a driver under test sends its messages of monitoring to."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final, Self

from opennebula_core.errors import OpenNebulaError
from opennebula_core.testing.conformance.outcome import CheckFailedError
from opennebula_core.testing.ports import free_port
from opennebula_core.wire.framing import Answer, parse_answer
from opennebula_core.wire.monitoring import parse_message
from opennebula_core.wire.monitoring.reading import MESSAGE_TYPES

ADDRESS: Final = "127.0.0.1"


class Receiver(asyncio.DatagramProtocol):
    """Takes messages over UDP and TCP, on a free port of the loopback."""

    def __init__(self) -> None:
        self.port = free_port()
        self._messages: list[str] = []
        self._heard = asyncio.Event()
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Begin to listen."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, (ADDRESS, self.port))
        self._server = await asyncio.start_server(self._stream, ADDRESS, self.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        assert self._transport is not None
        assert self._server is not None
        self._transport.close()
        self._server.close()
        await self._server.wait_closed()

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Take a message; called by asyncio."""
        self._take(data)

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._take(await reader.read())
        writer.close()

    def _take(self, data: bytes) -> None:
        self._messages.append(data.decode("utf-8", "replace"))
        self._heard.set()

    def forget(self) -> None:
        """Forget what has come."""
        self._messages.clear()
        self._heard.clear()

    async def hears_within(self, limit_s: float) -> bool:
        """Return whether a message comes in time."""
        try:
            async with asyncio.timeout(limit_s):
                await self._heard.wait()
        except TimeoutError:
            return False
        return True

    @property
    def types(self) -> list[str]:
        """The types of the messages that came."""
        return [message.split(None, 1)[0] for message in self._messages if message.strip()]

    def check(self, host_id: int) -> None:
        """Hold each message to its form.

        :raises CheckFailedError: one cannot be read, or is of another host
        """
        for message in self._messages:
            answer = parse_answer(message)
            if not isinstance(answer, Answer) or answer.action not in MESSAGE_TYPES:
                types = ", ".join(sorted(MESSAGE_TYPES))
                raise CheckFailedError(f"a message that begins with one of {types}", message[:80])
            if answer.object_id != host_id:
                raise CheckFailedError(f"messages of host {host_id}", message[:80])
            try:
                parse_message(answer)
            except OpenNebulaError as error:
                raise CheckFailedError("a message that can be read", f"{message[:60]}: {error}") from None
