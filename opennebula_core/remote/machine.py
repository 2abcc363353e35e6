"""What a machine is to us: somewhere to start processes whose input and output we hold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from opennebula_core.errors import DriverError

CHUNK_BYTES = 256 * 1024
OUTPUT_LIMIT_BYTES = 16 * 1024 * 1024
ERRORS_LIMIT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that has ended. Output is text; what is no UTF-8 is replaced."""

    status: int
    stdout: str
    stderr: str


class Process(Protocol):
    """A process that runs, on whichever machine. All methods raise RemoteError when the host is lost."""

    async def read(self, limit: int) -> bytes:
        """Return up to ``limit`` bytes of its output, empty at the end."""

    async def read_errors(self, limit: int) -> bytes:
        """Return up to ``limit`` bytes of its error output, empty at the end."""

    async def write(self, data: bytes) -> None:
        """Give it input; waits while it does not take any.

        :raises BrokenPipeError: it reads no more
        """

    async def finish_input(self) -> None:
        """Close its input."""

    async def wait(self) -> int:
        """Return its exit status once it has ended; 128 and the number for a signal."""


class Machine(Protocol):
    """Starts processes: here, or on a host."""

    def start(
        self, argv: Sequence[str], asked: asyncio.Event, *, is_bulk: bool = False
    ) -> AbstractAsyncContextManager[Process]:
        """Start a process; one that still runs when the block is left is ended, as far as that can be done.

        :param asked: set from the moment on when the process may run there, even if starting it fails then
        :param is_bulk: it will move much data: keep it apart from short commands
        """

    async def close(self) -> None:
        """Drop what is held open."""


async def exchange(process: Process, stdin: bytes) -> Completed:
    """Give a process its whole input, collect its output and wait until it has ended."""
    _, stdout, stderr, status = await asyncio.gather(
        feed(process, stdin),
        collect(process.read, OUTPUT_LIMIT_BYTES),
        collect_tail(process.read_errors),
        process.wait(),
    )
    return Completed(status, stdout.decode(errors="replace"), stderr.decode(errors="replace"))


async def feed(process: Process, data: bytes) -> None:
    """Write ``data`` to a process and close its input; one that does not want it all is no error."""
    try:
        for start in range(0, len(data), CHUNK_BYTES):
            await process.write(data[start : start + CHUNK_BYTES])
        await process.finish_input()
    except BrokenPipeError:
        return


async def collect(read: Callable[[int], Awaitable[bytes]], limit: int) -> bytes:
    """Read to the end.

    :raises DriverError: there are more than ``limit`` bytes
    """
    chunks: list[bytes] = []
    size = 0
    while chunk := await read(CHUNK_BYTES):
        size += len(chunk)
        if size > limit:
            raise DriverError(f"read a command's output: over {limit} bytes; see what it writes on the host")
        chunks.append(chunk)
    return b"".join(chunks)


async def collect_tail(read: Callable[[int], Awaitable[bytes]]) -> bytes:
    """Read to the end and return the last bytes, which say why a command failed."""
    tail = b""
    while chunk := await read(CHUNK_BYTES):
        tail = (tail + chunk)[-ERRORS_LIMIT_BYTES:]
    return tail
