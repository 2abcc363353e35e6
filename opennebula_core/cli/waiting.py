"""``--wait``: following objects until they are where they shall be, with what happens on the way."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.kinds import Kind
from opennebula_core.cli.messages import report
from opennebula_core.client import Client
from opennebula_core.errors import AuthorizationError, FaultError, NotFoundError

POLL_S: Final = 1.0
DEFAULT_TIMEOUT_S: Final = 600.0
INTERRUPTED: Final = 130
LOOK_AGAIN_S: Final = 2
"""Progress of transfers is no committed change, so that one looks for it in between."""

F = TypeVar("F", bound=Callable[..., Any])


def wait_options(function: F) -> F:
    """Add ``--wait`` and ``--timeout``."""
    function = click.option(
        "--timeout", type=click.FloatRange(min=0), default=DEFAULT_TIMEOUT_S, show_default=True,
        metavar="SECONDS", help="How long --wait waits.",
    )(function)  # fmt: skip
    return click.option("--wait", is_flag=True, help="Return when it is done; show the way.")(function)


@dataclass(frozen=True, slots=True)
class Situation:
    """How an object stands.

    :param state: the word that is shown
    :param problem: why it will not get to where it shall be by itself; empty while it may
    :param note: what it waits for
    """

    state: str
    is_there: bool
    problem: str = ""
    note: str = ""


REMOVED: Final = Situation("DELETED", is_there=False, problem="somebody removed it")
"""How an object stands that is gone, where that is never what was waited for."""


def look_in_pool(client: Client, kind: Kind) -> Callable[[Collection[int]], Mapping[int, Element]]:
    """Return what looks for objects in the listed pool of their kind, for :class:`Follower`."""

    def look(wanted: Collection[int]) -> Mapping[int, Element]:
        pool = {int(item.findtext("ID", "-1")): item for item in kind.list(client)}
        return {object_id: pool[object_id] for object_id in wanted if object_id in pool}

    return look


@dataclass(slots=True)
class Follower:
    """Follows some objects of a kind.

    :param title: of one, such as ``VM``
    :param command: the program for the kind, such as ``onevm``
    :param look: returns the documents of those of the ids that exist, by id
    :param judge: says how an object stands
    :param gone: how an object stands that does not exist any more
    :param progress: returns the share that a transfer has got to, None when none is under way
    """

    client: Client
    title: str
    command: str
    look: Callable[[Collection[int]], Mapping[int, Element]]
    judge: Callable[[Element], Situation]
    gone: Situation
    progress: Callable[[int], float | None]
    _shown: dict[int, str] = field(default_factory=dict)
    _is_line_open: bool = False

    def follow(self, ids: Iterable[int], timeout_s: float) -> None:
        """Wait until all are where they shall be; what goes wrong is reported, and the exit status says so.

        Ctrl-C ends the waiting only, with the exit status 130 of shells.
        """
        waiting = set(ids)
        try:
            self._follow(waiting, timeout_s)
        except KeyboardInterrupt:
            self._end_line()
            click.echo(f"\n{self._of_the_rest(waiting)}", err=True)
            click.get_current_context().exit(INTERRUPTED)

    def _of_the_rest(self, waiting: Collection[int]) -> str:
        """Say that the objects do not care whether anybody waits, and how to see what becomes of them."""
        ids = ", ".join(map(str, sorted(waiting)))
        goes = f"{self.title} {ids} goes" if len(waiting) == 1 else f"{self.title}s {ids} go"
        return (
            f"The waiting has ended; {goes} on. See later with '{self.command} show {ids.replace(', ', ',')}'"
        )

    def _follow(self, waiting: set[int], timeout_s: float) -> None:
        feed = Feed(self.client)
        deadline = time.monotonic() + timeout_s
        while waiting:
            waiting -= self._look_at(waiting)
            left_s = deadline - time.monotonic()
            if not waiting or left_s <= 0:
                break
            feed.wait(min(left_s, LOOK_AGAIN_S))
        for object_id in sorted(waiting):
            report(f"wait for {self.title} {object_id}: it is {self._shown.get(object_id)} after "
                   f"{timeout_s:g} s; look again later, it goes on")  # fmt: skip

    def _look_at(self, waiting: Collection[int]) -> set[int]:
        """Show what is new, and return the ids that need no more waiting."""
        found = self.look(waiting)
        ended = set()
        for object_id in sorted(waiting):
            item = found.get(object_id)
            situation = self.judge(item) if item is not None else self.gone
            self._show(object_id, situation)
            if situation.problem:
                self._end_line()
                report(f"wait for {self.title} {object_id}: it is {situation.state}: {situation.problem}")
            if situation.problem or situation.is_there:
                ended.add(object_id)
        return ended

    def _show(self, object_id: int, situation: Situation) -> None:
        line = situation.state + (f" ({situation.note})" if situation.note else "")
        if self._shown.get(object_id) != line:
            self._shown[object_id] = line
            self._end_line()
            click.echo(f"{self.title} {object_id}: {line}", err=True)
        elif sys.stderr.isatty() and not situation.is_there:
            share = self.progress(object_id)
            if share is not None:
                click.echo(f"\r{self.title} {object_id}: {line} {share:.0%} ", err=True, nl=False)
                self._is_line_open = True

    def _end_line(self) -> None:
        if self._is_line_open:
            click.echo(err=True)
            self._is_line_open = False


class Feed:
    """Wakes when something changed in the cloud; where one may not hear that, after a while."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._cursor = -1
        self._hears = True
        self.wait(0)

    def wait(self, limit_s: float) -> None:
        """Return at the next change, or after ``limit_s`` or a little more."""
        if self._hears:
            try:
                self._cursor = self._client.changes(self._cursor, max(int(limit_s), 0)).cursor
            except (FaultError, AuthorizationError):
                self._hears = False  # another server, or no administrator: look from time to time
            else:
                return
        time.sleep(min(limit_s, POLL_S))


def transfer_share(client: Client, method: str) -> Callable[[int], float | None]:
    """Return a function that asks how far an object's transfer is.

    :param method: such as ``one.vm.progress``; a server that does not know it shows no progress
    """
    is_known = [True]

    def share(object_id: int) -> float | None:
        if not is_known[0]:
            return None
        try:
            document = client.element(method, object_id)
        except FaultError:
            is_known[0] = False
            return None
        except NotFoundError:
            return None
        done, total = (float(document.findtext(name) or 0) for name in ("DONE", "TOTAL"))
        return done / total if total > 0 else None

    return share
