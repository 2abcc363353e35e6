"""The driver's process at work: every request is answered exactly once, in whatever order they end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

from opennebula_core.errors import OpenNebulaError
from opennebula_core.wire.framing import RequestLine, format_answer, format_log, parse_request
from opennebula_core.wire.services.drivers import THREADS
from opennebula_core.wire.services.report import WireReport
from opennebula_core.wire.services.service import Service

LOG = logging.getLogger(__name__)

FINISH_S: Final = 0.8
"""After FINALIZE what still runs may go on for so long. Source: OpenNebula 3.x waits 1 s."""

OTHERS_S: Final = 10.0
"""So long an action waits for the end of others of its object that were dropped; for its like for ever."""


class Dispatcher:
    """Answers the lines of the core.

    :param send: writes a line to the core
    """

    def __init__(self, service: Service, send: Callable[[str], None]) -> None:
        self._service = service
        self._send = send
        self._running: dict[int, dict[str, asyncio.Task[None]]] = {}
        self._dropped: dict[int, dict[asyncio.Task[None], str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.finished = asyncio.Event()
        """The core wants the process to end, or is gone."""
        self._lost = False

    def feed(self, lines: list[str]) -> None:
        """Take lines from the core; blank and broken ones say nothing that could be answered."""
        for line in lines:
            request = parse_request(line)
            if request is None or self.finished.is_set():
                continue
            match request.action:
                case "INIT":
                    self._send("INIT SUCCESS - -")
                case "FINALIZE":
                    self.finished.set()
                case "DRIVER_CANCEL":
                    self._cancel(request.object_id)
                case _:
                    self._begin(request)

    def lose(self) -> None:
        """Take note that the core is gone without a word: there is nobody left to answer to."""
        self._lost = not self.finished.is_set()
        self.finished.set()

    async def finish(self) -> None:
        """Let what runs end, but not for long, and drop the rest."""
        if self._tasks and not self._lost:
            await asyncio.wait(self._tasks, timeout=FINISH_S)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=FINISH_S)

    def _begin(self, request: RequestLine) -> None:
        """Start the work. The same request again replaces the one under way, which is then not answered."""
        actions = self._running.setdefault(request.object_id, {})
        if earlier := actions.get(request.action):
            self._drop(request.object_id, request.action, earlier)
        before = dict(self._dropped.get(request.object_id, {}))
        task = asyncio.get_running_loop().create_task(self._carry_out(request, before))
        actions[request.action] = task
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._forget(request, done))

    def _forget(self, request: RequestLine, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        running = self._running.get(request.object_id, {})
        if running.get(request.action) is task:
            del running[request.action]
            if not running:
                del self._running[request.object_id]
        dropped = self._dropped.get(request.object_id, {})
        if dropped.pop(task, None) is not None and not dropped:
            del self._dropped[request.object_id]

    def _cancel(self, object_id: int) -> None:
        for action, task in list(self._running.get(object_id, {}).items()):
            self._drop(object_id, action, task)
        for line in format_log("I", object_id, f"Driver command for {object_id} cancelled"):
            self._send(line)

    def _drop(self, object_id: int, action: str, task: asyncio.Task[None]) -> None:
        """Have a task end; until it has, what comes for its object waits."""
        if not task.done():
            task.cancel()
            self._dropped.setdefault(object_id, {})[task] = action

    async def _carry_out(self, request: RequestLine, before: dict[asyncio.Task[None], str]) -> None:
        """Do the work once what was dropped has ended, and end no sooner than one's own threads."""
        report = WireReport(self._send, request.object_id)
        if before:
            await self._wait(request, before, report)
        threads: set[Future[Any]] = set()
        THREADS.set(threads)
        try:
            await self._answer(request, report)
        except asyncio.CancelledError:
            report.drop()
            await asyncio.gather(*map(asyncio.wrap_future, threads), return_exceptions=True)
            raise

    async def _wait(
        self, request: RequestLine, before: dict[asyncio.Task[None], str], report: WireReport
    ) -> None:
        """Never let an action run twice at a time, however long what was dropped goes on."""
        await asyncio.wait(before, timeout=OTHERS_S)
        same = [task for task, action in before.items() if action == request.action and not task.done()]
        if same:
            report.warning(f"{request.action} waits for its earlier attempt, which does not end")
            await asyncio.wait(same)

    async def _answer(self, request: RequestLine, report: WireReport) -> None:
        """Do the work and answer; whatever a driver's method raises becomes a FAILURE."""
        success = False
        try:
            job = self._service.job(request, report)
            async with self._service.drivers.action_on(job.host):
                info = await job.run()
            success = True
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise  # dropped by the core, or replaced: no answer follows
            info = f"{request.action}: the driver's code gave up"
        except NotImplementedError as error:
            info = _not_implemented(self._service, request, error)
        except (OpenNebulaError, OSError) as error:
            info = str(error) or type(error).__name__
        except (Exception, SystemExit) as error:  # the border to foreign code: the core must get its answer
            LOG.exception("%s %d: failed in the driver's code", request.action, request.object_id)
            info = f"{request.action}: {type(error).__name__}: {error}; this is a fault of the driver"
        info = self._service.info(info, success=success)
        self._send(format_answer(request.action, success=success, object_id=request.object_id, info=info))


def _not_implemented(service: Service, request: RequestLine, error: NotImplementedError) -> str:
    detail = f" ({error})" if str(error) else ""
    return f"{request.action} is not implemented by driver {service.kind}/{service.name}{detail}"
