"""Hearing of changes: a thread that waits on the API's long poll and passes on what comes."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from queue import SimpleQueue
from time import monotonic
from typing import Final

from opennebula_core.client import Client
from opennebula_core.client.client import Change
from opennebula_core.errors import FaultError, OpenNebulaError

LOG = logging.getLogger(__name__)

LONG_POLL_S: Final = 30
FROM_NOW: Final = -1
FIRST_RETRY_S: Final = 0.2
LAST_RETRY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Connected:
    """The API answers (again): everything has to be looked at afresh.

    :param has_changes: changes will be passed on; else the server knows no such thing and has to be polled
    """

    has_changes: bool


@dataclass(frozen=True, slots=True)
class Changed:
    """Something changed."""

    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """The API does not answer; the watcher tries again by itself."""

    error: OpenNebulaError


@dataclass(frozen=True, slots=True)
class Stop:
    """Somebody asked the process to end."""


@dataclass(frozen=True, slots=True)
class Reload:
    """Somebody asked the process to read its configuration again."""


Event = Connected | Changed | Lost | Stop | Reload


class Watcher:
    """Waits for changes and puts what it hears into the queue.

    :param client: the watcher's own; it is closed when the last long poll has come back
    :param events: takes :class:`Connected` first, then :class:`Changed`; :class:`Lost` in between
    """

    def __init__(self, client: Client, events: SimpleQueue[Event]) -> None:
        self._client = client
        self._events = events
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin; the thread is a daemon, for a long poll cannot be interrupted."""
        self._thread.start()

    def close(self) -> None:
        """Pass on nothing more."""
        self._is_closing.set()

    def _watch(self) -> None:
        with self._client:
            self._watch_until_closed()

    def _watch_until_closed(self) -> None:
        cursor = FROM_NOW
        retry_s = FIRST_RETRY_S
        while not self._is_closing.is_set():
            try:
                cursor = self._ask(cursor)
                retry_s = FIRST_RETRY_S
            except FaultError as error:
                if error.code != FaultError.UNKNOWN_METHOD:
                    raise
                self._put(Connected(has_changes=False))
                return
            except OpenNebulaError as error:
                self._put(Lost(error))
                cursor = FROM_NOW
                self._is_closing.wait(retry_s)
                retry_s = min(retry_s * 2, LAST_RETRY_S)

    def _ask(self, cursor: int) -> int:
        """Wait once; the first time only take the place in the stream, so that nothing is missed."""
        asked_s = monotonic()
        answer = self._client.changes(cursor, 0 if cursor == FROM_NOW else LONG_POLL_S)
        if cursor == FROM_NOW or answer.is_reset:
            self._put(Connected(has_changes=True))
        elif answer.changes:
            self._put(Changed(answer.changes))
        elif monotonic() < asked_s + FIRST_RETRY_S:  # it will not let us wait: it is stopping, or overrun
            self._is_closing.wait(FIRST_RETRY_S)
        return answer.cursor

    def _put(self, event: Event) -> None:
        if not self._is_closing.is_set():
            self._events.put(event)
