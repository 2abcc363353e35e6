"""Hosts over ssh: a few persistent connections each, with many sessions. The only importer of asyncssh."""

from __future__ import annotations

import asyncio
import functools
import itertools
import logging
import os
import shlex
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh

from opennebula_core.errors import RemoteError
from opennebula_core.remote.machine import Process
from opennebula_core.remote.options import RemoteOptions

LOG = logging.getLogger(__name__)

GLOBAL_KNOWN_HOSTS = "/etc/ssh/ssh_known_hosts"
UNSEEN_ALIVE_MAX = 3
FAST_CIPHERS = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"
"""Put before the others: with a processor's AES they move over twice as much as asyncssh's first choice."""
REFUSED_PAUSE_S = 0.05

asyncssh.set_log_level(logging.WARNING)


class SshProcess:
    """A process on a host."""

    def __init__(self, host: str, process: asyncssh.SSHClientProcess[bytes]) -> None:
        self._host = host
        self._process = process

    async def read(self, limit: int) -> bytes:
        """Return up to ``limit`` bytes of its output."""
        return await self._read(self._process.stdout, limit)

    async def read_errors(self, limit: int) -> bytes:
        """Return up to ``limit`` bytes of its error output."""
        return await self._read(self._process.stderr, limit)

    async def _read(self, reader: asyncssh.SSHReader[bytes], limit: int) -> bytes:
        try:
            return await reader.read(limit)
        except (asyncssh.Error, OSError) as error:
            raise _lost(self._host, error) from error

    async def write(self, data: bytes) -> None:
        """Give it input."""
        try:
            self._process.stdin.write(data)
            await self._process.stdin.drain()
        except OSError as error:
            raise BrokenPipeError(str(error)) from None
        except asyncssh.Error as error:
            raise _lost(self._host, error) from error

    async def finish_input(self) -> None:
        """Close its input."""
        with suppress(OSError):
            self._process.stdin.write_eof()

    async def wait(self) -> int:
        """Return its exit status."""
        await self._process.wait_closed()
        status = self._process.returncode
        if status is None:
            raise _lost(self._host, "it closed without an exit status")
        return status if status >= 0 else 128 - status

    def end(self) -> None:
        """Ask sshd to kill it (which not every sshd does) and drop the session.

        At once: a session that is only closed first waits until the process has taken all its input.
        """
        if self._process.returncode is None:
            with suppress(OSError):
                self._process.kill()
        self._process.channel.abort()


@dataclass(slots=True)
class _Link:
    connection: asyncssh.SSHClientConnection
    limit: int
    sessions: int = 0
    uses: int = 0

    @property
    def has_room(self) -> bool:
        return self.sessions < self.limit and not self.connection.is_closed()


_Opening = asyncio.Task[asyncssh.SSHClientProcess[bytes]]


async def _open(link: _Link, command: str) -> asyncssh.SSHClientProcess[bytes]:
    return await link.connection.create_process(command, encoding=None)


class _Lane:
    """Connections to one host for one sort of work."""

    def __init__(self, host: str, options: RemoteOptions) -> None:
        self._host = host
        self._options = options
        self._links: list[_Link] = []
        self._opening: asyncio.Task[None] | None = None
        self._unwanted: set[_Opening] = set()
        self._turns = asyncio.Semaphore(options.connections_per_host * options.sessions_per_connection)

    @asynccontextmanager
    async def session(self, command: str, asked: asyncio.Event) -> AsyncIterator[SshProcess]:
        async with self._turns:
            link, process = await self._open_session(command, asked)
            try:
                yield SshProcess(self._host, process)
            finally:
                SshProcess(self._host, process).end()
                self._release(link)

    async def _open_session(
        self, command: str, asked: asyncio.Event
    ) -> tuple[_Link, asyncssh.SSHClientProcess[bytes]]:
        for refusals in itertools.count():
            link = await self._take_link()
            asked.set()
            opening = asyncio.create_task(_open(link, command))
            try:
                async with asyncio.timeout(self._options.connect_timeout.total_seconds()):
                    # Shielded: cut off on the way, it would leave a session that nobody knows of.
                    return link, await asyncio.shield(opening)
            except asyncssh.ChannelOpenError as error:
                asked.clear()
                self._refused(link, refusals, error)
                await asyncio.sleep(REFUSED_PAUSE_S)
            except TimeoutError:
                link.connection.abort()
                self._drop(link, opening)
                raise RemoteError(
                    f"open a session on {self._host!r}: no answer; see whether it hangs"
                ) from None
            except (asyncssh.Error, OSError) as error:
                self._give_up(link)
                raise _lost(self._host, error) from error
            except BaseException:
                self._drop(link, opening)
                raise
        raise AssertionError("unreachable")

    def _drop(self, link: _Link, opening: _Opening) -> None:
        """End a session that nobody wants any more as soon as it is open; until then it takes up room."""
        self._unwanted.add(opening)
        opening.add_done_callback(functools.partial(self._end_unwanted, link))

    def _end_unwanted(self, link: _Link, opening: _Opening) -> None:
        self._unwanted.discard(opening)
        self._release(link)
        if not opening.cancelled() and opening.exception() is None:
            SshProcess(self._host, opening.result()).end()

    def _refused(self, link: _Link, refusals: int, error: asyncssh.ChannelOpenError) -> None:
        """Note that sshd has no more sessions on a connection."""
        self._release(link)
        if refusals:  # once, it may only not have put away yet those that have just ended
            link.limit = min(link.limit, link.sessions)
        if link.limit == 0:
            link.connection.close()
            raise RemoteError(f"open a session on {self._host!r}: {error.reason}; see its sshd") from error

    def _give_up(self, link: _Link) -> None:
        link.connection.abort()
        self._release(link)

    async def _take_link(self) -> _Link:
        while True:
            self._links = [link for link in self._links if not link.connection.is_closed()]
            for link in self._links:
                if link.has_room:
                    link.sessions += 1
                    link.uses += 1
                    return link
            if self._opening is None:
                self._opening = asyncio.create_task(self._open_link())
                self._opening.add_done_callback(self._opened)
            # Everybody who waits for this host shares one attempt, and its error.
            await asyncio.shield(self._opening)

    async def _open_link(self) -> None:
        connection = await connect(self._host, self._options)
        self._links.append(_Link(connection, self._options.sessions_per_connection))

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._opening = None
        if not task.cancelled():
            task.exception()  # those who wait got it; nobody may be left who does

    def _release(self, link: _Link) -> None:
        link.sessions -= 1
        if link.sessions == 0:
            delay_s = self._options.idle_timeout.total_seconds()
            asyncio.get_running_loop().call_later(delay_s, self._close_idle, link, link.uses)

    def _close_idle(self, link: _Link, uses: int) -> None:
        if link.sessions == 0 and link.uses == uses:
            LOG.debug("host %s: closing an idle connection", self._host)
            link.connection.close()

    async def close(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
        links, self._links = self._links, []
        for link in links:
            link.connection.close()
        for link in links:
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await link.connection.wait_closed()
            link.connection.abort()
        if self._unwanted:
            await asyncio.wait(self._unwanted, timeout=1)


class SshMachine:
    """A host that is reached over ssh."""

    def __init__(self, host: str, options: RemoteOptions) -> None:
        self._commands = _Lane(host, options)
        self._bulk = _Lane(host, options)

    @asynccontextmanager
    async def start(
        self, argv: Sequence[str], asked: asyncio.Event, *, is_bulk: bool = False
    ) -> AsyncIterator[Process]:
        """Start a process on the host; the only place where arguments are quoted for a shell."""
        lane = self._bulk if is_bulk else self._commands
        async with lane.session(shlex.join(argv), asked) as process:
            yield process

    async def close(self) -> None:
        """Close all connections."""
        await self._commands.close()
        await self._bulk.close()


async def connect(host: str, options: RemoteOptions) -> asyncssh.SSHClientConnection:
    """Open a connection; the host's key must be known.

    :raises RemoteError: it cannot be reached, does not prove who it is, or refuses us
    """
    if host.startswith("-") or any(letter.isspace() for letter in host):
        raise RemoteError(f"connect to {host!r}: that is no host name; correct the host's name")
    limit_s = options.connect_timeout.total_seconds()
    try:
        async with asyncio.timeout(limit_s):
            return await asyncssh.connect(host, **await _arguments(host, options))
    except TimeoutError:
        raise RemoteError(
            f"connect to {host!r}: no answer within {limit_s:g} s; see whether it is up"
        ) from None
    except asyncssh.HostKeyNotVerifiable as error:
        raise RemoteError(
            f"connect to {host!r}: {error.reason}; compare its key and put it into known_hosts"
        ) from error
    except asyncssh.PermissionDenied as error:
        raise RemoteError(
            f"connect to {host!r}: {error.reason}; put the public key into the authorized_keys there"
        ) from error
    except (asyncssh.Error, asyncssh.KeyImportError, asyncssh.ConfigParseError, OSError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise RemoteError(f"connect to {host!r}: {reason}; see that sshd runs there and ssh works") from error


async def _arguments(host: str, options: RemoteOptions) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "config": [options.config_file] if options.config_file else (),
        "password_auth": False,
        "kbdint_auth": False,
        "keepalive_interval": options.keepalive.total_seconds(),
        "keepalive_count_max": UNSEEN_ALIVE_MAX,
        "login_timeout": options.connect_timeout.total_seconds(),
        "connect_timeout": None,
    }
    if options.user:
        arguments["username"] = options.user
    if options.port:
        arguments["port"] = options.port
    if options.key_files:
        arguments["client_keys"] = [os.path.expanduser(name) for name in options.key_files]
    settled = await asyncssh.SSHClientConnectionOptions.construct(host=host, **arguments)
    if not settled.config.get("Ciphers"):
        arguments["encryption_algs"] = FAST_CIPHERS
    return arguments | {"known_hosts": _known_hosts(settled.known_hosts, options.known_hosts)}


def _known_hosts(configured: object, more: Sequence[str]) -> asyncssh.SSHKnownHosts:
    """Read the host keys that we trust.

    Always given to asyncssh, because without files it would fall back, and for an ssh configuration that
    says ``UserKnownHostsFile none`` it would check nothing at all.

    :param configured: what asyncssh took from the ssh configuration: None for ``none``
    """
    names = [str(name) for name in configured] if isinstance(configured, list) else []
    if not names and configured is not None:
        names = ["~/.ssh/known_hosts"]
    known = asyncssh.SSHKnownHosts()
    for name in (*names, GLOBAL_KNOWN_HOSTS, *more):
        path = Path(name).expanduser()
        if path.is_file():
            known.load(path.read_text())
    return known


def _lost(host: str, error: object) -> RemoteError:
    return RemoteError(f"talk to {host!r}: the connection was lost: {error}; see whether it is up")
