"""What an action reports while it works, as LOG lines."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from opennebula_core.errors import DriverError
from opennebula_core.wire.framing import format_log

PROGRESS_PERIOD_S: Final = 0.5
"""Progress is told this often at most, its end always."""


class WireReport:
    """Sends lines about one object to the core."""

    def __init__(self, send: Callable[[str], None], object_id: int) -> None:
        self._send = send
        self._object_id = object_id
        self._next_progress = 0.0
        self._thread = threading.get_ident()
        self._is_dropped = False

    def drop(self) -> None:
        """Have an action on a thread end at its next sign of progress: nothing else can end it."""
        self._is_dropped = True

    def info(self, text: str) -> None:
        """Write lines of severity I."""
        self._log("I", text)

    def warning(self, text: str) -> None:
        """Write lines of severity W."""
        self._log("W", text)

    def error(self, text: str) -> None:
        """Write lines of severity E."""
        self._log("E", text)

    def progress(self, done: int, total: int) -> None:
        """Say how far the action is.

        :raises DriverError: the action is on a thread of its own, and nobody wants it any more
        """
        if self._is_dropped and threading.get_ident() != self._thread:
            raise DriverError(f"action for {self._object_id}: the core has dropped it")
        now = time.monotonic()
        if now >= self._next_progress or done >= total:
            self._next_progress = now + PROGRESS_PERIOD_S
            self._log("I", f"PROGRESS {done} {total}")

    def _log(self, severity: str, text: str) -> None:
        for line in format_log(severity, self._object_id, text):
            self._send(line)
