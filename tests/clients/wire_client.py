"""Calls as the libraries of Go and Ruby write them, over HTTP, and answers read as strictly as theirs do."""

from __future__ import annotations

import asyncio
import http.client
import xmlrpc.client
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, fromstring
from xml.sax.saxutils import escape

LIMIT_S: Final = 30.0


@dataclass(frozen=True)
class Library:
    """How a library writes a call.

    :param integer: the element of numbers
    :param head: what stands before ``methodCall``
    """

    integer: str
    head: str
    headers: dict[str, str]


GO: Final = Library("int", '<?xml version="1.0" encoding="UTF-8"?>', {"Content-Type": "text/xml"})
RUBY: Final = Library(
    "i4",
    '<?xml version="1.0" ?>',
    {"Content-Type": "text/xml; charset=utf-8", "Accept-Encoding": "identity", "Connection": "close"},
)


class RefusedError(AssertionError):
    """An answer that is no success.

    :param answer: its five values
    """

    def __init__(self, method: str, answer: list[object]) -> None:
        self.code = answer[2]
        self.object_id = answer[3]
        super().__init__(f"{method}: {answer}")


@dataclass(frozen=True)
class WireClient:
    """A client of one user."""

    endpoint: str
    session: str
    library: Library = GO

    async def call(self, method: str, *params: object) -> object:
        """Return what a call results in.

        :raises RefusedError: the server does not do it
        """
        return await asyncio.to_thread(self._call, method, params)

    async def number(self, method: str, *params: object) -> int:
        """Return the id that a call results in."""
        found = await self.call(method, *params)
        assert type(found) is int, f"{method}: {found!r}"
        return found

    async def document(self, method: str, *params: object) -> Element:
        """Return the document that a call results in."""
        text = await self.call(method, *params)
        assert isinstance(text, str), f"{method}: {text!r}"
        assert text.startswith("<"), f"{method}: {text[:40]!r}"
        return fromstring(text)

    def _call(self, method: str, params: tuple[object, ...]) -> object:
        values = "".join(f"<param>{self._value(value)}</param>" for value in (self.session, *params))
        named = f"<methodName>{method}</methodName>"
        body = f"{self.library.head}<methodCall>{named}<params>{values}</params></methodCall>"
        address = urlsplit(self.endpoint)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=LIMIT_S)
        try:
            connection.request("POST", address.path, body.encode(), self.library.headers)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        assert response.status == 200, f"{method}: {response.status}"
        assert response.getheader("Content-Type", "").startswith("text/xml")
        ((answer,), _) = xmlrpc.client.loads(text)
        assert isinstance(answer, list), f"{method}: {answer!r}"
        if answer[0] is not True:
            assert [type(value) for value in answer] == [bool, str, int, int, int], f"{method}: {answer}"
            raise RefusedError(method, answer)
        assert len(answer) == 3, f"{method}: {answer}"
        assert answer[2] == 0, f"{method}: {answer}"
        return answer[1]

    def _value(self, value: object) -> str:
        if isinstance(value, bool):
            return f"<value><boolean>{value:d}</boolean></value>"
        if isinstance(value, int):
            return f"<value><{self.library.integer}>{value}</{self.library.integer}></value>"
        if isinstance(value, list):
            return f"<value><array><data>{''.join(map(self._value, value))}</data></array></value>"
        return f"<value><string>{escape(str(value))}</string></value>"
