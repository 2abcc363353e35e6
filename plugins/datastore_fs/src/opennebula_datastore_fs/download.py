"""Images from http and https addresses."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from opennebula_core.errors import DriverError
from opennebula_datastore_fs.sources import Peeked, Source

SCHEMES = ("http", "https")
Guard = Callable[[socket.socket], None]


def is_address(path: str) -> bool:
    """Whether a path is an address to download from."""
    return urlsplit(path).scheme.lower() in SCHEMES


@contextmanager
def downloading(address: str, timeout_s: float, *, may_be_local: bool) -> Iterator[Source]:
    """Begin a download.

    :param timeout_s: for the connection and each read
    :param may_be_local: whether it may come from this machine; its services, and those that clouds offer to
        it alone, are not for everybody who may register images
    :raises DriverError: the address does not answer with a file
    """
    name = shown(address)
    try:
        request = urllib.request.Request(address, headers={"Accept-Encoding": "identity"})
        with _opener(may_be_local).open(request, timeout=timeout_s) as answer:
            length = answer.headers.get("Content-Length", "")
            yield Source(name, Peeked(answer), int(length) if length.isdecimal() else None)
    except urllib.error.HTTPError as error:
        error.close()
        raise DriverError(f"download {name!r}: {error.code} {error.reason}; correct PATH") from None
    except urllib.error.URLError as error:
        raise DriverError(f"download {name!r}: {error.reason}; correct PATH") from error
    except (http.client.HTTPException, ValueError, TimeoutError, ConnectionError) as error:
        raise DriverError(f"download {name!r}: {error or type(error).__name__}; try again") from error


def shown(address: str) -> str:
    """Return an address without what is secret in it: passwords and signed queries."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def refuse_local(connection: socket.socket) -> None:
    """Refuse a connection to this machine or to its link's own services.

    What is connected is looked at, not the name, which may mean something else a moment later.

    :raises DriverError: it is one
    """
    address = ipaddress.ip_address(connection.getpeername()[0].partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_loopback or address.is_link_local or address.is_unspecified:
        connection.close()
        raise DriverError(
            f"download from {address}: that is this machine's own; set allow_local_downloads to allow it"
        )


def _opener(may_be_local: bool) -> urllib.request.OpenerDirector:
    proxies = urllib.request.getproxies()
    guard: Guard = (lambda _: None) if may_be_local or proxies else refuse_local  # a proxy judges by itself
    opener = urllib.request.OpenerDirector()
    handlers: list[urllib.request.BaseHandler] = [
        urllib.request.ProxyHandler(proxies),
        _GuardedHandler(guard),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.UnknownHandler(),
    ]
    for handler in handlers:
        opener.add_handler(handler)
    return opener


class _GuardedHandler(urllib.request.HTTPSHandler):
    """Opens http and https addresses over connections that a guard has looked at."""

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self._guard = guard

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """Open an http address."""
        return self.do_open(self._connection(http.client.HTTPConnection), request)

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """Open an https address; certificates are checked."""
        return self.do_open(self._connection(http.client.HTTPSConnection), request)

    http_request = urllib.request.AbstractHTTPHandler.do_request_

    def _connection(self, plain: type[http.client.HTTPConnection]) -> Any:
        guard = self._guard

        def connection(host: str, **settings: Any) -> http.client.HTTPConnection:
            made = plain(host, **settings)
            connect = made.connect

            def guarded() -> None:
                connect()
                guard(made.sock)

            made.connect = guarded  # type: ignore[method-assign]  # http.client offers no other place
            return made

        return connection
