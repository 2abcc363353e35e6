"""What every manager works with."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from opennebula_core.config import Config
from opennebula_core.config.location import Location
from opennebula_core.contracts.manager import StepHandler
from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Transaction
from opennebula_core.managers.access.tokens import Tokens
from opennebula_core.managers.drivers import Drivers
from opennebula_core.managers.hooks import CoreHooks
from opennebula_core.managers.monitoring import MonitoringCache
from opennebula_core.managers.vm.log import VmLog
from opennebula_core.plans.executor import Executor
from opennebula_core.wire.monitoring import MonitorMessage

LOG = logging.getLogger(__name__)


class ReportTaker(Protocol):
    """What takes monitoring in: the part of the host manager that others speak to."""

    def listen_on(self, port: int) -> None:
        """Tell where the core receives monitoring messages."""

    async def take(self, message: MonitorMessage) -> None:
        """Take in one message of monitoring."""


class CallRecorder(Protocol):
    """What keeps calls of the API for hooks: the part of the hook manager that the dispatcher speaks to."""

    def wants(self, method: str) -> bool:
        """Return whether any hook is about the method."""

    def carry_out(
        self, tx: Transaction, method: str, parameters: Sequence[object], call: Callable[[], object]
    ) -> object:
        """Make a call that writes, and keep it in the same transaction; return what it returns."""

    def answered(self, tx: Transaction, method: str, parameters: Sequence[object], answer: object) -> None:
        """Keep a call that was no job of the writer: one that reads, waits for a driver, or was refused.

        :param answer: the error that it was refused with, else what it returned
        """


@dataclass(slots=True)
class Core:
    """The services of one front-end, put together by the daemon.

    :param front_end: this machine's name, as transfer scripts write it
    """

    config: Config
    location: Location
    store: Store
    drivers: Drivers
    hooks: CoreHooks
    front_end: str
    monitoring: MonitoringCache
    vm_log: VmLog
    executor: Executor = field(init=False)
    host_watch: ReportTaker = field(init=False)
    tokens: Tokens = field(init=False)
    call_recorder: CallRecorder | None = None
    progress: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    on_start: list[Callable[[], object]] = field(default_factory=list)
    step_kinds: dict[str, StepHandler] = field(default_factory=dict)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run background work that ends by itself; its failure is logged."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            LOG.error("%s: stopped on an internal error", task.get_name(), exc_info=task.exception())

    async def close(self) -> None:
        """End background work; what it was doing is done again at the next start."""
        await self.executor.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
