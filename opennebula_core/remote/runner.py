"""Running commands on hosts, whichever they are: this machine, or over ssh."""

from __future__ import annotations

import asyncio
import importlib
import logging
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Self, cast
from weakref import WeakValueDictionary

from opennebula_core.errors import DriverTimeoutError, OpenNebulaError, RemoteError
from opennebula_core.remote.commands import checked, limited, wrapped
from opennebula_core.remote.local import LocalMachine, local_names
from opennebula_core.remote.locks import ending, locked
from opennebula_core.remote.machine import Completed, Machine, Process, exchange
from opennebula_core.remote.options import RemoteOptions

LOG = logging.getLogger(__name__)

END_TIMEOUT = timedelta(seconds=30)


class Runner:
    """Runs commands on hosts, over connections that it keeps."""

    def __init__(self, options: RemoteOptions | None = None) -> None:
        self.options = options or RemoteOptions()
        self._local_names = local_names(self.options.local_names)
        self._local = LocalMachine()
        self._hosts: dict[str, Machine] = {}
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._endings: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    def is_local(self, host: str) -> bool:
        """Whether ``host`` is this very machine, by its name; the empty name is."""
        return host.lower() in self._local_names

    async def run(
        self,
        host: str,
        argv: Sequence[str],
        *,
        stdin: bytes | str = b"",
        timeout: timedelta,
        lock: str | None = None,
        check: bool = True,
    ) -> Completed:
        """Run a command on a host and return how it ended.

        :param timeout: for all of it, connecting and waiting for the lock included; then it is ended there
        :param lock: such as ``vm-7``: one command at a time holds it on the host; one that this process
            started is awaited, one left over from another process is ended first
        :param check: whether an exit status other than 0 raises
        :raises RemoteError: the host cannot be reached, or was lost on the way (the command may still run)
        :raises DriverTimeoutError: it did not end in time
        :raises DriverError: it failed; the message has its error output
        """
        data = stdin.encode() if isinstance(stdin, str) else stdin
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                async with self.process(host, limited(argv, timeout), lock=lock) as process:
                    completed = await exchange(process, data)
        except TimeoutError:
            raise DriverTimeoutError(
                f"run {argv[0]!r} on {host or 'this machine'!r}: no end within "
                f"{timeout.total_seconds():g} s; see what it waits for"
            ) from None
        return checked(completed, host, f"run {argv[0]!r}") if check else completed

    async def script(
        self,
        host: str,
        text: str,
        args: Sequence[str] = (),
        *,
        timeout: timedelta,
        lock: str | None = None,
        check: bool = True,
    ) -> Completed:
        """Run a POSIX shell script that no value was ever put into: values come as ``$1``, ``$2``, ...

        The shell reads it from its input, so commands in it must not read theirs.
        """
        argv = ["sh", "-s", "--", *args]
        completed = await self.run(host, argv, stdin=text, timeout=timeout, lock=lock, check=False)
        return checked(completed, host, "run a script") if check else completed

    async def python(
        self,
        host: str,
        source: str,
        args: Sequence[str] = (),
        *,
        timeout: timedelta,
        lock: str | None = None,
        check: bool = True,
    ) -> Completed:
        """Run a Python program (standard library only) with the host's ``python3``; values as arguments."""
        argv = ["python3", "-I", "-", *args]
        return await self.run(host, argv, stdin=source, timeout=timeout, lock=lock, check=check)

    @asynccontextmanager
    async def process(
        self, host: str, argv: Sequence[str], *, lock: str | None = None, is_bulk: bool = False
    ) -> AsyncIterator[Process]:
        """Start a command and hold its input and output; what still runs at the end of the block is ended."""
        machine = self._machine(host)
        token = uuid.uuid4().hex
        async with AsyncExitStack() as stack:
            if lock is not None:
                await stack.enter_async_context(self._turn(host, lock))
                argv = locked(argv, lock, token)
            asked = asyncio.Event()
            try:
                start = machine.start(wrapped(argv), asked, is_bulk=is_bulk)
                yield await stack.enter_async_context(start)
            except BaseException:
                if lock is not None and asked.is_set():
                    await self._end(host, lock, token)
                raise

    @asynccontextmanager
    async def _turn(self, host: str, lock: str) -> AsyncIterator[None]:
        """Wait until no other command of this process has the lock; on the host it would be ended."""
        key = ("" if self.is_local(host) else host, lock)
        turn = self._turns.get(key)
        if turn is None:
            self._turns[key] = turn = asyncio.Lock()
        async with turn:
            yield

    async def _end(self, host: str, lock: str, token: str) -> None:
        """End what was started on the host; goes on when our caller is cancelled meanwhile."""
        task = asyncio.create_task(self._end_quietly(host, lock, token))
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)
        await asyncio.shield(task)

    async def _end_quietly(self, host: str, lock: str, token: str) -> None:
        try:
            await self.run(host, ending(lock, token), timeout=END_TIMEOUT)
        except OpenNebulaError as error:
            LOG.warning("host %s: a command under lock %s may still run: %s", host, lock, error)

    def _machine(self, host: str) -> Machine:
        if self.is_local(host):
            return self._local
        if host not in self._hosts:
            self._hosts[host] = _ssh_machine(host, self.options)
        return self._hosts[host]

    async def close(self) -> None:
        """Close all connections; commands that run on hosts are not waited for."""
        if self._endings:
            await asyncio.wait(self._endings)
        await asyncio.gather(self._local.close(), *(machine.close() for machine in self._hosts.values()))
        self._hosts.clear()


def _ssh_machine(host: str, options: RemoteOptions) -> Machine:
    # Loaded when the first host needs it: asyncssh comes with an extra, and takes a while to import.
    try:
        module = importlib.import_module("opennebula_core.remote.ssh")
    except ModuleNotFoundError as error:
        raise RemoteError(
            f"connect to {host!r}: {error.name} is not installed; pip install 'opennebula-core[ssh]'"
        ) from error
    return cast(Machine, module.SshMachine(host, options))
