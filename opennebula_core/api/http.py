"""The HTTP application (ASGI): ``/RPC2``, ``/healthz``, ``/metrics``, and the routes of plugins."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

from opennebula_core.api.dispatch import Dispatcher
from opennebula_core.api.metrics import CONTENT_TYPE as METRICS_TYPE
from opennebula_core.api.reading import LongAnswers
from opennebula_core.api.xmlrpc import Chunks
from opennebula_core.contracts.manager import HttpRequest, HttpResponse, RouteHandler
from opennebula_core.db.store import Store
from opennebula_core.errors import PluginConflictError, StoreError

LOG = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

RPC_PATHS: Final = frozenset({"/RPC2", "/"})
OWN_PATHS: Final = RPC_PATHS | {"/healthz", "/metrics"}
DEFAULT_MAX_BODY_BYTES: Final = 16 << 20
JOIN_BELOW_BYTES: Final = 256 << 10
"""Smaller answers are sent in one piece: copying them costs less than another write."""
SLICE_BYTES: Final = 1 << 20
_XML: Final = (b"content-type", b"text/xml; charset=utf-8")
_TEXT: Final = b"text/plain; charset=utf-8"


class BodyTooLarge(Exception):  # noqa: N818 - becomes a status, never an answer of the API
    """A request is larger than allowed."""


class HttpApplication:
    """Answers HTTP requests.

    :param routes: path -> handler, what plugins registered
    :param max_body_bytes: largest request that is read
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        store: Store,
        routes: Mapping[str, RouteHandler] | None = None,
        *,
        max_body_bytes: int = DEFAULT_MAX_BODY_BYTES,
    ) -> None:
        self._dispatcher = dispatcher
        self._store = store
        self._routes = dict(routes or {})
        self._max_body_bytes = max_body_bytes
        self._long_answers = LongAnswers()
        taken = OWN_PATHS & self._routes.keys()
        if taken:
            raise PluginConflictError(
                f"route {min(taken)!r} is the API's own; the plugin that adds it has to take another path"
            )

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request; called by the server."""
        path = scope["path"]
        try:
            if path in RPC_PATHS:
                await self._rpc(scope, receive, send)
            elif path == "/healthz":
                await self._look(scope, send, self._health)
            elif path == "/metrics":
                await self._look(scope, send, self._metrics)
            elif path in self._routes:
                await self._route(self._routes[path], scope, receive, send)
            else:
                await _send_text(send, 404, f"there is nothing at {path}; the API is at /RPC2\n")
        except BodyTooLarge:
            await _send_text(
                send,
                413,
                f"a request may have {self._max_body_bytes} bytes; send less at a time\n",
                (b"connection", b"close"),
            )
        except asyncio.IncompleteReadError:
            LOG.debug("http: %s went away before its request was complete", _peer(scope))

    async def _rpc(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await _send_text(send, 405, "the API is called with POST\n", (b"allow", b"POST"))
            return
        coding = next((value for name, value in scope["headers"] if name == b"content-encoding"), b"identity")
        if coding.lower() != b"identity":
            await _send_text(send, 415, "a call comes as it is; send it without Content-Encoding\n")
            return
        body = await self._body(scope, receive)
        with self._long_answers.place() as place:
            await _send_chunks(send, await self._dispatcher.answer(body, _peer(scope), place))

    async def _body(self, scope: Message, receive: Receive) -> bytes:
        """Return the request's body.

        :raises BodyTooLarge: it says that it is, or turns out to be
        :raises asyncio.IncompleteReadError: the caller went away
        """
        for name, value in scope["headers"]:
            if name == b"content-length" and int(value) > self._max_body_bytes:
                raise BodyTooLarge
        message = await receive()
        if message["type"] == "http.request" and not message["more_body"]:
            whole: bytes = message["body"]
            if len(whole) > self._max_body_bytes:
                raise BodyTooLarge
            return whole
        body = bytearray()
        while True:
            if message["type"] == "http.disconnect":
                raise asyncio.IncompleteReadError(bytes(body), None)
            body += message["body"]
            if len(body) > self._max_body_bytes:
                raise BodyTooLarge
            if not message["more_body"]:
                return bytes(body)
            message = await receive()

    async def _look(self, scope: Message, send: Send, answer: Callable[[], HttpResponse]) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await _send_text(send, 405, "this can only be looked at\n", (b"allow", b"GET, HEAD"))
            return
        await _send_response(send, answer())

    def _health(self) -> HttpResponse:
        try:
            self._store.read(lambda snapshot: snapshot.value("SELECT 1"))
        except StoreError as error:
            LOG.error("health: %s", error)
            return HttpResponse(503, body=b"the database cannot be read\n")
        return HttpResponse(200, body=b"ok\n")

    def _metrics(self) -> HttpResponse:
        return HttpResponse(200, METRICS_TYPE, self._dispatcher.metrics.render().encode())

    async def _route(self, handler: RouteHandler, scope: Message, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request = HttpRequest(
            scope["method"],
            scope["path"],
            scope["query_string"].decode("latin-1"),
            headers,
            await self._body(scope, receive),
        )
        try:
            response = await handler(request)
        except Exception:  # a border: the route is foreign code
            LOG.exception("route %s: failed", request.path)
            response = HttpResponse(500, body=b"internal error\n")
        await _send_response(send, response)


def _peer(scope: Message) -> str:
    client = scope["client"]
    return client[0] if client else "local"


async def _send_text(send: Send, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
    body = text.encode()
    length = (b"content-length", b"%d" % len(body))
    start = {
        "type": "http.response.start",
        "status": status,
        "headers": [(b"content-type", _TEXT), length, *headers],
    }
    await send(start)
    await send({"type": "http.response.body", "body": body})


async def _send_response(send: Send, response: HttpResponse) -> None:
    headers = [
        (b"content-type", response.content_type.encode("latin-1")),
        (b"content-length", b"%d" % len(response.body)),
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


async def _send_chunks(send: Send, chunks: Chunks) -> None:
    length = sum(map(len, chunks))
    headers = [_XML, (b"content-length", b"%d" % length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if length < JOIN_BELOW_BYTES:
        await send({"type": "http.response.body", "body": b"".join(chunks)})
        return
    for chunk in chunks:
        # In slices, for the server copies what the caller has not taken yet, and waits between two of them.
        view = memoryview(chunk)
        for start in range(0, len(chunk), SLICE_BYTES):
            body = view[start : start + SLICE_BYTES]
            await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
