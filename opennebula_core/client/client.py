"""The client itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from xml.etree.ElementTree import Element, ParseError, fromstring

from opennebula_core.client.answers import read_answer
from opennebula_core.client.transport import Transport
from opennebula_core.client.values import write_call
from opennebula_core.errors import ClientError

DEFAULT_TIMEOUT_S: Final = 60.0
DEFAULT_PAGE_SIZE: Final = 200
_LONG_POLL_MARGIN_S: Final = 15.0

_READING: Final = frozenset(
    {
        "info",
        "infoextended",
        "infoset",
        "monitoring",
        "accounting",
        "showback",
        "version",
        "config",
        "changes",
        "progress",
        "raftstatus",
    }
)
"""Last words of methods that change nothing."""


def is_repeatable(method: str) -> bool:
    """Return whether a method only reads, so that it may be sent again when a connection breaks."""
    return method.rpartition(".")[2] in _READING


@dataclass(frozen=True, slots=True)
class Change:
    """One committed change.

    :param kind: the kind of the object, such as ``VM``
    :param event: what happened to it
    """

    seq: int
    kind: str
    object_id: int
    event: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What a long poll brought.

    :param cursor: what to ask with next
    :param is_reset: changes were missed, so that everything has to be looked at afresh
    """

    cursor: int
    changes: tuple[Change, ...]
    is_reset: bool


class Client:
    """Calls the API of OpenNebula's shape at one endpoint; may be used from several threads.

    :param endpoint: such as ``http://127.0.0.1:2633/RPC2``
    :param session: ``user:secret``; or what returns it for each call, where it expires
    """

    def __init__(
        self,
        endpoint: str,
        session: str | Callable[[], str],
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        certificate_folder: str | None = None,
        server_certificate: Path | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._session = session
        self._transport = Transport(
            endpoint,
            timeout_s=timeout_s,
            certificate_folder=certificate_folder,
            server_certificate=server_certificate,
        )

    def call(self, method: str, *params: object, timeout_s: float | None = None) -> object:
        """Call ``method`` with the parameters behind the session and return the result.

        :raises RequestError: the call was refused; the subclass says by which error code
        :raises FaultError: there is no such method, or the parameters have the wrong types
        :raises ClientError: the endpoint cannot be reached, or what it answers is no answer
        """
        if not method.startswith("system."):
            params = (self._session if isinstance(self._session, str) else self._session(), *params)
        body = write_call(method, params)
        answer = self._transport.post(body, is_repeatable=is_repeatable(method), timeout_s=timeout_s)
        return read_answer(method, answer)

    def text(self, method: str, *params: object) -> str:
        """Call ``method``, which answers with a text."""
        result = self.call(method, *params)
        if not isinstance(result, str):
            raise ClientError(f"answer to {method}: a text was expected, not {result!r}")
        return result

    def integer(self, method: str, *params: object) -> int:
        """Call ``method``, which answers with a number, such as the id of what was made."""
        result = self.call(method, *params)
        if not isinstance(result, int):
            raise ClientError(f"answer to {method}: a number was expected, not {result!r}")
        return result

    def element(self, method: str, *params: object) -> Element:
        """Call ``method``, which answers with a document, and return its root element."""
        return _root(method, self.text(method, *params))

    def pages(
        self, method: str, filter_flag: int, *further: object, page_size: int = DEFAULT_PAGE_SIZE
    ) -> Iterator[Element]:
        """Return the objects of a pool one by one, fetched page by page.

        An object that is made meanwhile moves the others on, so that a page may begin with what the page
        before ended with: such objects come once.

        :param method: such as ``one.vmpool.info``, with filter flag, start and end as first parameters
        :param further: parameters behind these three
        """
        seen: set[str] = set()
        offset = 0
        while True:
            page = list(self.element(method, filter_flag, offset, -page_size, *further))
            for item in page:
                object_id = item.findtext("ID", "")
                if object_id not in seen:
                    seen.add(object_id)
                    yield item
            if len(page) < page_size:
                return
            offset += page_size

    def changes(self, cursor: int, timeout_s: int) -> Changes:
        """Wait up to ``timeout_s`` for changes after ``cursor`` and return them; -1 is "from now".

        :raises FaultError: the server is OpenNebula's own and has no such method; poll then
        """
        answer = self.call("one.system.changes", cursor, timeout_s, timeout_s=timeout_s + _LONG_POLL_MARGIN_S)
        root = _root("one.system.changes", str(answer))
        changes = tuple(
            Change(
                int(item.findtext("SEQ", "0")),
                item.findtext("KIND", ""),
                int(item.findtext("ID", "-1")),
                item.findtext("EVENT", ""),
            )
            for item in root.iterfind("CHANGE")
        )
        return Changes(int(root.findtext("CURSOR", "-1")), changes, root.find("RESET") is not None)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _root(method: str, document: str) -> Element:
    """Return the root of a document; it comes from a server that the user chose and gave a password to."""
    try:
        return fromstring(document)
    except ParseError as error:
        raise ClientError(f"answer to {method}: a document that is no XML: {error}") from error
