"""Complaints about plugins in the log: the first at once, those that repeat it a minute later, counted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Final

LOG = logging.getLogger(__name__)
QUIET_S: Final = 60.0
PATIENCE_S: Final = 5.0


class Complaints:
    """Keeps a plugin that fails at every call from filling the log.

    :param clock: in seconds
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._last: dict[tuple[object, ...], tuple[float, int]] = {}

    def is_due(self, *what: object) -> int | None:
        """Return how many of these were kept quiet since the last one, None: keep this one quiet, too."""
        now = self._clock()
        last, quiet = self._last.get(what, (float("-inf"), 0))
        if now - last < QUIET_S:
            self._last[what] = last, quiet + 1
            return None
        self._last[what] = now, 0
        return quiet


def repeated(quiet: int) -> str:
    """Return what is added to a complaint about those that were kept quiet."""
    return f" ({quiet} times more since the last such line)" if quiet else ""


@contextmanager
def patience(title: str, what: str, word: str) -> Iterator[None]:
    """Say in the log when a plugin holds up the start of a program, while it does, and what helps.

    :param word: what ``one plugin disable`` calls it
    """

    def complain() -> None:
        LOG.warning(
            "%s: %s takes more than %g s, and everything waits for it; if it does not end: "
            "stop this program, then one plugin disable plugins %s --force",
            title,
            what,
            PATIENCE_S,
            word,
        )

    timer = threading.Timer(PATIENCE_S, complain)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
