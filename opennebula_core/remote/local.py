"""The machine that we are on: processes without ssh, and how it is recognised."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from asyncio.subprocess import SubprocessStreamProtocol
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self

from opennebula_core.errors import RemoteError
from opennebula_core.remote.machine import CHUNK_BYTES, Process

LOOPBACK_NAMES = frozenset(
    {
        "",
        "localhost",
        "localhost.localdomain",
        "localhost4",
        "localhost6",
        "ip6-localhost",
        "127.0.0.1",
        "::1",
    }
)
PROCESSES_AT_A_TIME = 32


def local_names(more: Iterable[str] = (), hosts_file: Path = Path("/etc/hosts")) -> frozenset[str]:
    """Return the names under which this machine is known, in lower case.

    They come from its host name and the line of ``/etc/hosts`` that has it; the resolver is not asked,
    because it may hang, and because several pretend hosts may share a kernel and its addresses.
    """
    own = socket.gethostname().lower()
    names = {own, *(name.lower() for name in more)}
    with suppress(OSError, UnicodeDecodeError):
        for line in hosts_file.read_text().splitlines():
            aliases = line.partition("#")[0].lower().split()[1:]
            if own in aliases:
                names.update(aliases)
    return LOOPBACK_NAMES | names


class LocalProcess:
    """A process on this machine."""

    def __init__(self, process: asyncio.subprocess.Process, transport: asyncio.SubprocessTransport) -> None:
        self._process = process
        self._transport = transport

    @classmethod
    async def spawn(cls, argv: Sequence[str]) -> Self:
        """Start it in a session of its own.

        As :func:`asyncio.create_subprocess_exec` does, but keeping the transport: only that can close pipes
        that something else, which left the process group, still writes to.
        """
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.subprocess_exec(
            lambda: SubprocessStreamProtocol(limit=2 * CHUNK_BYTES, loop=loop), *argv, start_new_session=True
        )
        return cls(asyncio.subprocess.Process(transport, protocol, loop), transport)

    async def read(self, limit: int) -> bytes:
        """Return up to ``limit`` bytes of its output."""
        assert self._process.stdout is not None
        return await self._process.stdout.read(limit)

    async def read_errors(self, limit: int) -> bytes:
        """Return up to ``limit`` bytes of its error output."""
        assert self._process.stderr is not None
        return await self._process.stderr.read(limit)

    async def write(self, data: bytes) -> None:
        """Give it input."""
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        try:
            await self._process.stdin.drain()
        except ConnectionResetError as error:
            raise BrokenPipeError(str(error)) from None

    async def finish_input(self) -> None:
        """Close its input."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def wait(self) -> int:
        """Return its exit status."""
        status = await self._process.wait()
        return status if status >= 0 else 128 - status

    async def end(self) -> None:
        """Kill its process group, if it still runs."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._transport.close()  # first: waiting lasts until all pipes are closed
        await self._process.wait()


class LocalMachine:
    """Starts processes here."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(PROCESSES_AT_A_TIME)

    @asynccontextmanager
    async def start(
        self, argv: Sequence[str], asked: asyncio.Event, *, is_bulk: bool = False
    ) -> AsyncIterator[Process]:
        """Start a process in a session of its own."""
        async with self._turns:
            asked.set()
            spawning = asyncio.create_task(LocalProcess.spawn(argv))
            try:
                # Shielded: cut off on the way, asyncio would kill the leader and leave the rest of its group.
                process = await asyncio.shield(spawning)
            except asyncio.CancelledError:
                await asyncio.shield(_end_spawned(spawning))
                raise
            except OSError as error:
                asked.clear()
                raise RemoteError(
                    f"start {argv[0]!r} on this machine: {error.strerror}; install it"
                ) from error
            try:
                yield process
            finally:
                await asyncio.shield(process.end())

    async def close(self) -> None:
        """Nothing is held open."""


async def _end_spawned(spawning: asyncio.Task[LocalProcess]) -> None:
    with suppress(OSError):  # there is nothing to end then
        await (await spawning).end()
