"""Clients that call the API as fast as it answers, each over a connection of its own."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

RECEIVE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Load:
    """How a load was carried."""

    seconds: float
    latencies_s: list[float]

    @property
    def per_s(self) -> float:
        """Calls answered each second."""
        return len(self.latencies_s) / self.seconds

    def latency_ms(self, share: float) -> float:
        """Return the latency that this share of the calls did not pass."""
        ordered = sorted(self.latencies_s)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


@dataclass(slots=True)
class _Caller:
    connection: socket.socket
    sent: float = 0.0
    received: bytearray = field(default_factory=bytearray)
    expected: int = -1


def drive(port: int, calls: Iterable[bytes], clients: int) -> Load:
    """Send the calls, so many at a time, and return how long the answers took.

    :param calls: XML-RPC texts
    :raises RuntimeError: a call was refused
    """
    waiting = iter(calls)
    latencies_s: list[float] = []
    with selectors.DefaultSelector() as selector:
        started = time.perf_counter()
        for _ in range(clients):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            caller = _Caller(connection)
            if _send_next(caller, waiting):
                selector.register(connection, selectors.EVENT_READ, caller)
        while selector.get_map():
            for key, _events in selector.select():
                ready: _Caller = key.data
                if _receive(ready):
                    latencies_s.append(time.perf_counter() - ready.sent)
                    if not _send_next(ready, waiting):
                        selector.unregister(ready.connection)
                        ready.connection.close()
        return Load(time.perf_counter() - started, latencies_s)


def _send_next(caller: _Caller, waiting: Iterator[bytes]) -> bool:
    body = next(waiting, None)
    if body is None:
        return False
    head = b"POST /RPC2 HTTP/1.1\r\nHost: bench\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n"
    caller.received.clear()
    caller.expected = -1
    caller.sent = time.perf_counter()
    caller.connection.sendall(head % len(body) + body)
    return True


def _receive(caller: _Caller) -> bool:
    """Read what is there; return whether the answer is complete."""
    received = caller.connection.recv(RECEIVE_BYTES)
    if not received:
        raise RuntimeError("the server closed a connection")
    caller.received += received
    if caller.expected < 0:
        end = caller.received.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(caller.received[:end]).lower()
        caller.expected = end + 4 + int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
    if len(caller.received) < caller.expected:
        return False
    if b"<boolean>1</boolean>" not in caller.received[:1024]:
        raise RuntimeError(f"a call was refused: {bytes(caller.received[:2000])!r}")
    return True
