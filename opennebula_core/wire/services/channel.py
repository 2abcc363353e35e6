"""A driver's standard input and output, kept for the protocol alone."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Self

from opennebula_core.wire.framing import LineSplitter

_READ_BYTES: Final = 256 * 1024


class Channel:
    """Lines from the core and to it.

    :param source: descriptor that requests are read from
    :param sink: descriptor that answers are written to
    """

    def __init__(self, source: int, sink: int) -> None:
        self._source = source
        self._sink = sink
        self._splitter = LineSplitter()
        self._queue: deque[str] = deque()
        self._thread = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    @classmethod
    def standard(cls) -> Self:
        """Take the standard descriptors over.

        What driver code prints goes to the error output, and what programs it starts read is empty: neither
        may disturb the protocol. OpenNebula's core starts drivers with descriptor 2 closed.
        """
        null = os.open(os.devnull, os.O_RDWR)
        try:
            os.fstat(2)
        except OSError:
            os.dup2(null, 2)
        channel = cls(os.dup(0), os.dup(1))
        os.set_blocking(channel._sink, True)
        os.dup2(null, 0)
        os.dup2(2, 1)
        os.close(null)
        sys.stdout = sys.stderr
        return channel

    def open(self, on_lines: Callable[[list[str]], None], on_end: Callable[[], None]) -> None:
        """Begin to read, on the running event loop; ``on_end`` is called when the core has gone."""
        self._loop = loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

        def read() -> None:
            data = os.read(self._source, _READ_BYTES)
            if data:
                on_lines(self._splitter.feed(data))
            else:
                loop.remove_reader(self._source)
                on_end()

        try:
            loop.add_reader(self._source, read)
        except PermissionError:  # a plain file, which the event loop cannot watch, is always readable
            with os.fdopen(self._source, "rb", closefd=False) as file:
                on_lines(self._splitter.feed(file.read()))
            on_end()

    def send(self, line: str) -> None:
        """Write a line, from any thread; those of one turn of the event loop go together."""
        assert self._loop is not None
        if threading.get_ident() != self._thread:
            self._loop.call_soon_threadsafe(self.send, line)
            return
        if not self._queue:
            self._loop.call_soon(self.flush)
        self._queue.append(line)

    def flush(self) -> None:
        """Write what waits. A core that has gone takes nothing more; its end is noticed when reading."""
        data = memoryview("".join(f"{line}\n" for line in self._queue).encode())
        self._queue.clear()
        try:
            while data:
                data = data[os.write(self._sink, data) :]
        except BrokenPipeError:
            return
