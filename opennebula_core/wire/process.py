"""The core's handle on a driver's process: lines to it, lines from it, and its end."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, cast

from opennebula_core.wire.bounded_log import BoundedLog
from opennebula_core.wire.framing import LineSplitter

_STDIN, _STDOUT, _STDERR = 0, 1, 2

MAX_QUEUED_BYTES: Final = 1024 * 1024
"""What may wait for a driver that does not read; beyond it requests wait to be written."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a driver is started.

    :param argv: an absolute program and its arguments
    :param settings: handed over in a file that exists on no disk path; ``--settings FILE`` is appended then
    """

    argv: Sequence[str]
    directory: Path
    log_file: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    settings: bytes | None = None


class DriverProcess(asyncio.SubprocessProtocol):
    """One running process of a driver, leader of a process group of its own.

    :param on_lines: gets the lines that came together; called on the event loop
    :param on_end: called once, when the process has ended or has closed its output
    """

    def __init__(
        self, log: BoundedLog, on_lines: Callable[[list[str]], None], on_end: Callable[[str], None]
    ) -> None:
        self._log = log
        self._on_lines = on_lines
        self._on_end = on_end
        self._splitter = LineSplitter()
        self._queue: list[str] = []
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.WriteTransport | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._ended = False
        self._is_finished = False
        self._is_read = False
        self._exited = False
        self._closed = asyncio.Event()
        self.pid = 0

    @classmethod
    async def start(
        cls, launch: Launch, on_lines: Callable[[list[str]], None], on_end: Callable[[str], None]
    ) -> DriverProcess:
        """Start the driver.

        :raises OSError: the program cannot be started
        """
        loop = asyncio.get_running_loop()
        process = cls(BoundedLog(launch.log_file), on_lines, on_end)
        with _settings_file(launch.settings) as settings:
            inherited = (settings.fileno(),) if settings is not None else ()
            extra = ("--settings", f"/dev/fd/{inherited[0]}") if inherited else ()
            await loop.subprocess_exec(
                lambda: process,
                *launch.argv,
                *extra,
                cwd=launch.directory,
                env=dict(launch.environment),
                pass_fds=inherited,
                start_new_session=True,
            )
        return process

    @property
    def is_closed(self) -> bool:
        """The process has been reaped and its pipes are closed."""
        return self._closed.is_set()

    @property
    def is_congested(self) -> bool:
        """The driver does not read as fast as it is written to."""
        return not self._writable.is_set()

    async def writable(self) -> None:
        """Wait until the driver reads again, or has ended."""
        await self._writable.wait()

    def send(self, line: str) -> None:
        """Write a line; those of one turn of the event loop go together. Lost once the process has ended."""
        if not self._queue:
            asyncio.get_running_loop().call_soon(self._flush)
        self._queue.append(line)

    def close_input(self) -> None:
        """Write what waits and close the driver's standard input."""
        self._flush()
        self._is_finished = True
        if self._stdin is not None:
            self._stdin.close()

    def kill(self) -> None:
        """End the process and what it started, at once."""
        if self._exited:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    async def wait(self) -> None:
        """Wait until the process has been reaped and its pipes are closed."""
        await self._closed.wait()

    async def close(self) -> None:
        """Kill the process and wait until nothing of it is left."""
        self._end("it was given up")
        await self.wait()

    # The methods below are called by asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take hold of the pipes."""
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self.pid = self._transport.get_pid()
        self._stdin = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(_STDIN))
        self._stdin.set_write_buffer_limits(high=MAX_QUEUED_BYTES)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Cut what the driver wrote into lines; standard error goes to the log."""
        if fd == _STDERR:
            self._log.write(data)
            return
        try:
            lines = self._splitter.feed(data)
        except ValueError as error:
            self._end(f"it wrote a {error}")
            return
        if lines:
            self._on_lines(lines)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Give up a driver without its pipes; its exit status, if it has one, tells more."""
        if fd == _STDOUT:
            self._is_read = True
            if self._exited:
                self._end(self._how_it_ended())
            else:
                asyncio.get_running_loop().call_later(_GRACE_S, self._end, "it closed its output")
        elif fd == _STDIN:
            self._stdin = None
            self._writable.set()
            if not self._is_finished:
                asyncio.get_running_loop().call_later(_GRACE_S, self._end, "it closed its input")

    def process_exited(self) -> None:
        """End what the process left behind in its group; what it wrote last is still to be read."""
        self.kill()
        self._exited = True
        if self._is_read:
            self._end(self._how_it_ended())
        else:
            asyncio.get_running_loop().call_later(_GRACE_S, self._end, self._how_it_ended())

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the log: nothing comes any more."""
        if self._transport is not None:
            self._transport.close()
        self._log.close()
        self._closed.set()

    def pause_writing(self) -> None:
        """Hold back further requests."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let requests through again."""
        self._writable.set()

    def _flush(self) -> None:
        if self._queue and self._stdin is not None and not self._stdin.is_closing():
            self._stdin.write("".join(f"{line}\n" for line in self._queue).encode())
        self._queue.clear()

    def _end(self, reason: str) -> None:
        if self._ended:
            return
        self._ended = True
        self._writable.set()
        self.kill()
        if self._transport is not None:
            self._transport.close()
        self._on_end(reason)

    def _how_it_ended(self) -> str:
        status = self._transport.get_returncode() if self._transport is not None else None
        if status is None:
            return "it ended"
        if status < 0:
            return f"it was ended by {signal.Signals(-status).name}"
        return f"it ended with status {status}"


_GRACE_S: Final = 0.2
"""Between a driver's end and its being given up: for what it wrote last, or for its exit status."""


@contextmanager
def _settings_file(settings: bytes | None) -> Iterator[IO[bytes] | None]:
    """Give a file without a name that holds the settings, until the child has inherited it."""
    if settings is None:
        yield None
        return
    with tempfile.TemporaryFile() as file:
        file.write(settings)
        file.seek(0)
        yield file
