"""The scheduler while it runs: it hears of changes, decides when a round is due, and runs it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Final

from opennebula_core.client import Client
from opennebula_core.errors import OpenNebulaError
from opennebula_core.scheduling.collector import Collector
from opennebula_core.scheduling.dispatcher import Caller, Dispatcher
from opennebula_core.scheduling.extensions import HookExtensions
from opennebula_core.scheduling.loading import Charge
from opennebula_core.scheduling.rounds import Rounds
from opennebula_core.scheduling.watcher import (
    FIRST_RETRY_S,
    LAST_RETRY_S,
    Changed,
    Connected,
    Event,
    Lost,
    Reload,
    Stop,
    Watcher,
)

LOG = logging.getLogger(__name__)

QUIET_S: Final = 0.25
"""A change that brings no new VM (a host's report, a VM that ended) waits this long for company.

Without it, each of a thousand hosts that reports would cost a round while a single VM cannot be placed.
"""
LOAD_FACTOR: Final = 4
"""Between two such rounds at least this many times the duration of the last one passes."""


class Service:
    """Runs until it is told to stop; survives restarts of the core.

    :param connect: makes a client
    :param load: reads the configuration and returns the policy in charge
    :param make_caller: carries decisions out with a client, or only says what it would do
    """

    def __init__(
        self,
        connect: Callable[[], Client],
        load: Callable[[], Charge],
        extensions: HookExtensions,
        make_caller: Callable[[Client], Caller] = Dispatcher,
    ) -> None:
        self.events: SimpleQueue[Event] = SimpleQueue()
        self._load = load
        self._extensions = extensions
        self._client = connect()
        self._caller = make_caller(self._client)
        self._watcher = Watcher(connect(), self.events)
        self._due_s: float | None = None
        self._retry_s = FIRST_RETRY_S
        self._last_duration_s = 0.0
        self._is_connected: bool | None = None
        self._has_changes = False
        self._has_news = False
        self._take_charge(load())

    def _close(self) -> None:
        self._watcher.close()
        if isinstance(self._caller, Dispatcher):
            self._caller.close()
        self._client.close()

    def _take_charge(self, charge: Charge) -> None:
        collector = Collector(self._client, with_active_vms=charge.policy.collects_active_vms)
        self._rounds = Rounds(charge, collector, self._caller, self._extensions)
        LOG.info("policy %s is in charge at %s", charge.name, self._client.endpoint)

    def run(self) -> None:
        """Serve until a :class:`Stop` arrives in :attr:`events`."""
        self._watcher.start()
        while True:
            for event in self._wait():
                if isinstance(event, Stop):
                    self._close()
                    LOG.info("stopped")
                    return
                self._guarded(partial(self._handle, event))
            if self._has_news:
                self._has_news = False
                self._guarded(self._consider)
            if self._due_s is not None and self._due_s <= monotonic():
                self._guarded(self._round)

    def _wait(self) -> list[Event]:
        """Return what has happened; nothing when a round came due first."""
        events: list[Event] = []
        timeout_s = None if self._due_s is None else max(0.0, self._due_s - monotonic())
        try:
            events.append(self.events.get(timeout=timeout_s))
            while True:
                events.append(self.events.get_nowait())
        except Empty:
            return events

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do something that may fail without ending the process: the cloud needs its scheduler tomorrow."""
        try:
            work()
        except OpenNebulaError as error:
            LOG.warning("round broken off: %s; trying again in %.1f s", error, self._retry_s)
            self._rounds.collector.reset()
            self._due_s = monotonic() + self._retry_s
            self._retry_s = min(self._retry_s * 2, LAST_RETRY_S)
        except Exception:  # the border to policies, which are foreign code
            LOG.exception("policy %s: failed; the next round may go better", self._rounds.charge.name)
            self._due_s = monotonic() + self._rounds.charge.interval_s

    def _handle(self, event: Event) -> None:
        match event:
            case Connected(has_changes):
                LOG.info(
                    "connected; %s",
                    "woken by changes" if has_changes else "the server has no changes, polling",
                )
                self._is_connected, self._has_changes = True, has_changes
                self._rounds.collector.reset()
                self._due_s = monotonic()
            case Changed(changes):
                self._rounds.collector.note(changes)
                self._has_news = True
            case Lost(error):
                if self._is_connected is not False:  # said once, also when it never answered
                    LOG.warning("the core does not answer: %s; trying again until it does", error)
                self._is_connected = False
                self._due_s = None
            case Reload():
                self._reload()

    def _consider(self) -> None:
        """Decide when the next round is due after changes."""
        now_s = monotonic()
        if self._rounds.collector.refresh_vms():
            self._due_s = now_s
        elif self._rounds.is_wanted():
            later_s = now_s + max(QUIET_S, LOAD_FACTOR * self._last_duration_s)
            self._due_s = later_s if self._due_s is None else min(self._due_s, later_s)

    def _round(self) -> None:
        started_s = monotonic()
        if not self._has_changes:
            self._rounds.collector.reset()
        self._rounds.run()
        self._last_duration_s = monotonic() - started_s
        self._retry_s = FIRST_RETRY_S
        self._due_s = monotonic() + self._rounds.wakeup_s()

    def _reload(self) -> None:
        """Swap the policy while the cloud runs; a configuration that is wrong changes nothing."""
        try:
            charge = self._load()
        except OpenNebulaError as error:
            LOG.error(
                "configuration not taken over: %s; policy %s stays in charge", error, self._rounds.charge.name
            )
            return
        LOG.info("configuration read again: policy %s replaces %s", charge.name, self._rounds.charge.name)
        self._take_charge(charge)
        self._due_s = monotonic() if self._is_connected else None
