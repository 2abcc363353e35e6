"""HTTP for the client: connections kept open, requests sent again only where that is harmless."""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from opennebula_core.client.tls import PinnedServer, trusting_authorities
from opennebula_core.errors import ClientError

MAX_IDLE_CONNECTIONS: Final = 8
RETRY_DELAYS_S: Final = (0.1, 0.4)
"""Pauses before a harmless request is sent again: together less than a person notices."""

_HEADERS: Final[Mapping[str, str]] = {
    "Content-Type": "text/xml",
    "User-Agent": "opennebula-core",
    "Accept-Encoding": "identity",
}


class Transport:
    """Posts XML texts to one endpoint; may be used from several threads.

    :param endpoint: such as ``http://127.0.0.1:2633/RPC2``; ``https`` checks the server's certificate
    :param timeout_s: how long one answer may take
    :param certificate_folder: further certificate authorities, in PEM files
    :param server_certificate: the server has this certificate, and no other is taken
    """

    def __init__(
        self,
        endpoint: str,
        *,
        timeout_s: float,
        certificate_folder: str | None = None,
        server_certificate: Path | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._timeout_s = timeout_s
        self._idle: deque[http.client.HTTPConnection] = deque(maxlen=MAX_IDLE_CONNECTIONS)
        parts = urlsplit(endpoint)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
            raise ClientError(
                f"endpoint {endpoint!r} is no address of an API; give one like http://127.0.0.1:2633/RPC2"
            )
        self._host = parts.hostname
        self._port = port
        self._path = parts.path or "/RPC2"
        self._tls: Callable[[], ssl.SSLContext] | None = None
        if parts.scheme == "https" and server_certificate is not None:
            self._tls = PinnedServer(server_certificate).context
        elif parts.scheme == "https":
            trusting = trusting_authorities(certificate_folder)
            self._tls = lambda: trusting

    def post(self, body: bytes, *, is_repeatable: bool, timeout_s: float | None = None) -> bytes:
        """Send ``body`` and return the answer's body.

        :param is_repeatable: the request changes nothing, so that it may be sent again when a connection
            breaks; one that was refused a connection is sent again in any case
        :raises ClientError: no answer, or one that is not HTTP status 200
        """
        for delay_s in (*RETRY_DELAYS_S, None):
            try:
                return self._post_once(body, timeout_s or self._timeout_s)
            except TimeoutError:
                raise ClientError(
                    f"call {self.endpoint}: no answer in {timeout_s or self._timeout_s:.0f} s; "
                    f"look whether oned is busy, or allow more time"
                ) from None
            except _NotConnectedError as error:
                if delay_s is None:
                    raise self._unreachable(error.reason) from error.reason
                time.sleep(delay_s)
            except (OSError, http.client.HTTPException) as error:
                if delay_s is None or not is_repeatable:
                    raise ClientError(
                        f"call {self.endpoint}: {error or type(error).__name__}; "
                        f"whether the call was carried out is unknown, look before you repeat it"
                    ) from error
                time.sleep(delay_s)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def close(self) -> None:
        """Close the connections that are kept open."""
        while self._idle:
            self._idle.pop().close()

    def _post_once(self, body: bytes, timeout_s: float) -> bytes:
        connection = self._connection(timeout_s)
        try:
            if connection.sock is None:
                _connect(connection)
            connection.request("POST", self._path, body, _HEADERS)
            response = connection.getresponse()
            content = response.read()
        except BaseException:
            connection.close()
            raise
        if response.will_close or len(self._idle) >= MAX_IDLE_CONNECTIONS:
            connection.close()
        else:
            self._idle.append(connection)
        if response.status != http.client.OK:
            raise ClientError(
                f"call {self.endpoint}: HTTP {response.status} {response.reason}; "
                f"check that the endpoint is the API's (it usually ends in /RPC2)"
            )
        return content

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread took the last one
                break
            if connection.sock is not None and not _has_ended(connection.sock):
                connection.sock.settimeout(timeout_s)
                return connection
            connection.close()
        if self._tls is not None:
            return http.client.HTTPSConnection(self._host, self._port, timeout=timeout_s, context=self._tls())
        return http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)

    def _unreachable(self, error: OSError) -> ClientError:
        """Return the error of a call that was not sent, as there is no connection."""
        if isinstance(error, ConnectionRefusedError):
            why = (
                "connection refused; start the cloud with 'one start', or name another endpoint in ONE_XMLRPC"
            )
        elif isinstance(error, socket.gaierror):
            why = f"no address is known of {self._host!r} ({error.strerror}); correct the name in ONE_XMLRPC"
        elif isinstance(error, ssl.SSLCertVerificationError):
            why = (
                f"the server's certificate is not trusted ({error.verify_message}); name the folder of its "
                f"authority's certificate in ONE_CERT_DIR"
            )
        else:
            why = f"{error.strerror or error}; check the endpoint in ONE_XMLRPC and the way to it"
        return ClientError(f"call {self.endpoint}: {why}")


class _NotConnectedError(Exception):
    """There is no connection, so that nothing was sent."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _connect(connection: http.client.HTTPConnection) -> None:
    """Connect to the server.

    :raises _NotConnectedError: that fails at once
    :raises TimeoutError: it takes too long
    """
    try:
        connection.connect()
    except TimeoutError:
        raise
    except UnicodeError as error:  # what the resolver's encoding makes of a name that is too long
        raise _NotConnectedError(socket.gaierror(socket.EAI_NONAME, str(error))) from error
    except OSError as error:
        raise _NotConnectedError(error) from error


def _has_ended(sock: socket.socket) -> bool:
    """Return whether the other side closed the idle connection: then it can be read from."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
