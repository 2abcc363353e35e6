"""The HTTP server: uvicorn, embedded in the daemon's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import socket
import ssl
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import uvicorn

from opennebula_core.api.connection import LimitedProtocol, end_late_connections
from opennebula_core.api.http import HttpApplication
from opennebula_core.config import ApiSettings
from opennebula_core.errors import ConfigError

LOG = logging.getLogger(__name__)

KEEP_ALIVE_S: Final = 60
BACKLOG: Final = 1024
MAX_CONNECTIONS: Final = 1000
GRACE_S: Final = 5
WANTED_FILES: Final = 4 * MAX_CONNECTIONS
"""Open files that are asked for: connections, and what drivers, logs and the database need beside them."""
LOOK_EVERY_S: Final = 5.0


class _EmbeddedServer(uvicorn.Server):
    """Leaves signals to the daemon."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do not touch signal handlers."""
        yield


class Server:
    """Listens where the configuration says, and hands requests to the application.

    :param etc: the folder that certificate and key are relative to
    """

    def __init__(self, settings: ApiSettings, application: HttpApplication, *, etc: Path = Path()) -> None:
        self._settings = settings
        self._certificate, self._key = etc / settings.certificate, etc / settings.key
        self._config = uvicorn.Config(
            application,
            http=LimitedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
            ssl_certfile=self._certificate if settings.certificate else None,
            ssl_keyfile=self._key if settings.key else None,
        )
        self._server = _EmbeddedServer(self._config)
        self._tasks: tuple[asyncio.Task[Any], ...] = ()
        self.port = settings.port
        """The port; once started the real one, where the settings leave it to the system (0)."""

    async def start(self) -> None:
        """Listen. Returns when requests are answered.

        :raises ConfigError: address or certificate cannot be used
        """
        self._load_certificate()
        _allow_files()
        listening = self._listen()
        self.port = listening.getsockname()[1]
        serving = asyncio.create_task(self._server.serve([listening]), name="api server")
        self._tasks = (serving, asyncio.create_task(self._end_late_connections(), name="api timeouts"))
        while not self._server.started:
            if serving.done():
                serving.result()
            await asyncio.sleep(0)
        LOG.info("api: listening on %s port %d", self._settings.listen, self.port)
        if self._config.ssl is None and not ip_address(listening.getsockname()[0]).is_loopback:
            LOG.warning(
                "api: %s is open to a network without TLS: passwords and tokens can be read on the way; "
                "set certificate and key in [api]",
                self._settings.listen,
            )

    def reload_certificate(self) -> None:
        """Take certificate and key as their files are now, for new connections.

        Files that cannot be used are named in the log, and change nothing.
        """
        if self._config.ssl is None:
            return
        try:
            for context in (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), self._config.ssl):
                context.load_cert_chain(self._certificate, self._key, password="")
        except (OSError, ssl.SSLError) as error:
            LOG.error(
                "api: certificate %s with key %s cannot be used: %s; the old one goes on being used",
                self._certificate, self._key, error,
            )  # fmt: skip
        else:
            LOG.info("api: certificate %s is used for new connections", self._certificate)

    async def stop(self) -> None:
        """Finish the requests that are being answered, for some seconds at most, and stop listening."""
        if not self._tasks:
            return
        serving, timeouts = self._tasks
        timeouts.cancel()
        self._server.should_exit = True
        await asyncio.gather(serving, timeouts, return_exceptions=True)
        self._tasks = ()

    def _load_certificate(self) -> None:
        try:
            self._config.load()
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"api: certificate {self._settings.certificate!r} or key {self._settings.key!r} cannot be "
                f"used: {error}; both must be PEM files that oned may read, and belong together"
            ) from error
        if self._config.ssl is not None:
            if self._key.stat().st_mode & 0o077:
                LOG.warning("api: key %s can be read by others; close it with chmod 600", self._key)
            self._config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2

    def _listen(self) -> socket.socket:
        host, port = self._settings.listen, self._settings.port
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            listening = socket.socket(family, kind, protocol)
            try:
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listening.bind(address)
                listening.listen(BACKLOG)
            except OSError:
                listening.close()
                raise
        except OSError as error:
            raise ConfigError(
                f"api: cannot listen on {host} port {port}: {error.strerror or error}; another program may "
                f"have the port: see 'one status', or set another one in [api] port"
            ) from error
        listening.setblocking(False)
        return listening

    async def _end_late_connections(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            end_late_connections(self._server.server_state.connections)


def _allow_files() -> None:
    """Raise the limit of open files, often 1,024, as far as the system lets a plain user."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(WANTED_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
