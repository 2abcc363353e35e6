"""Ports for servers of tests that come later, or come again after their death."""

from __future__ import annotations

import random
import socket
from typing import Final

_PORTS: Final = range(20_000, 32_768)
"""Below Linux's default ``ip_local_port_range``: a port that the kernel also gives to outgoing connections
may be taken by one while its server is away, and a client that knocks at it may be connected to itself."""
_TRIES: Final = 100


def free_port() -> int:
    """Return a port of the loopback that nobody listens on, and that no outgoing connection gets.

    :raises OSError: none was found
    """
    for port in random.sample(_PORTS, _TRIES):
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
    raise OSError(f"none of {_TRIES} ports between {_PORTS.start} and {_PORTS.stop} is free")
