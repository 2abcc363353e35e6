"""One HTTP connection: uvicorn's protocol, with the limits that it lacks."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES: Final = 64 << 10
MAX_HEADERS: Final = 100
RECEIVE_TIMEOUT_S: Final = 120.0
"""How long a request may take to arrive, and a connection to send its first."""
SEND_TIMEOUT_S: Final = 60.0
"""How long a caller may take nothing of an answer that waits for it."""


class LimitedProtocol(HttpToolsProtocol):
    """Ends connections whose request is too long in its head or in its coming, or whose answer is not taken.

    :ivar receiving_since: monotonic time at which the request began that is still incomplete; None when there
        is none. The server looks at it every few seconds: a timer for each request would cost more
    """

    receiving_since: float | None = None
    _is_in_head = True
    _head_bytes = 0
    _header_count = 0
    _unsent_bytes = 0
    _unsent_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock for the first request."""
        super().connection_made(transport)
        self.receiving_since = time.monotonic()

    def data_received(self, data: bytes) -> None:
        """Parse; end the connection when the head of the request goes past its limit."""
        if self._is_in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        """Start the clock."""
        super().on_message_begin()
        if self.receiving_since is None:
            self.receiving_since = time.monotonic()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count the header."""
        self._header_count += 1
        if self._header_count > MAX_HEADERS:
            raise ValueError("too many headers")  # httptools turns it into a parser error: HTTP 400
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Note that the head is complete."""
        self._is_in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop the clock: what follows is ours to do."""
        self.receiving_since = None
        self._is_in_head = True
        self._head_bytes = 0
        self._header_count = 0
        super().on_message_complete()

    def end_if_late(self, now: float) -> None:
        """End the connection when its request does not arrive, or its answer is not taken."""
        if self.receiving_since is not None and now - self.receiving_since > RECEIVE_TIMEOUT_S:
            self.transport.close()
        unsent_bytes = self.transport.get_write_buffer_size()
        if unsent_bytes == 0 or unsent_bytes != self._unsent_bytes:
            self._unsent_bytes = unsent_bytes
            self._unsent_since = now
        elif now - self._unsent_since > SEND_TIMEOUT_S:
            self.transport.abort()


def end_late_connections(connections: set[Any]) -> None:
    """End those connections whose request does not arrive, or whose answer is not taken."""
    now = time.monotonic()
    for connection in list(connections):
        if isinstance(connection, LimitedProtocol):
            connection.end_if_late(now)
