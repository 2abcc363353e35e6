"""One driver as the core sees it: started when needed, asked, timed, and started again when it dies."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeVar

from opennebula_core.errors import (
    ConfigError,
    DriverError,
    DriverGoneError,
    DriverTimeoutError,
    DriverUnusableError,
    OpenNebulaError,
    PluginError,
)
from opennebula_core.wire.dialects.base import Dialect
from opennebula_core.wire.events import DriverEvents
from opennebula_core.wire.framing import Answer, LogLine, flatten, parse_answer
from opennebula_core.wire.limits import BackOff, Limits
from opennebula_core.wire.process import DriverProcess, Launch
from opennebula_core.wire.redaction import without
from opennebula_core.wire.requests import AuthRequest, Reply, Request
from opennebula_core.wire.table import InFlight, RequestTable

LOG = logging.getLogger(__name__)
T = TypeVar("T")

MAX_RUBBISH_LINES: Final = 20
"""Unknown lines of one process that are logged; the rest is passed over in silence."""

MAX_SHOWN_CHARS: Final = 200

_UNUSABLE: Final = (ConfigError, PluginError, DriverUnusableError, FileNotFoundError, PermissionError)
"""Why a start fails that waiting does not cure."""


@dataclass(frozen=True, slots=True)
class DriverStatus:
    """What a driver is doing. ``pid`` is 0 while no process runs."""

    kind: str
    name: str
    pid: int
    in_flight: int
    starts: int
    last_failure: str


class Supervisor:
    """Keeps the process of one driver and the table of its requests.

    :param launch: says how to start it; called before each start
    """

    def __init__(
        self,
        kind: str,
        name: str,
        launch: Callable[[], Launch],
        dialect: Dialect,
        events: DriverEvents | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.kind = kind
        self.name = name
        self.dialect = dialect
        self._launch = launch
        self._events = events or DriverEvents()
        self._limits = limits or Limits()
        self._back_off = BackOff(self._limits)
        self._failure: type[DriverGoneError] = DriverGoneError
        self._processes: list[DriverProcess] = []
        self._table = RequestTable(self._overdue)
        self._process: DriverProcess | None = None
        self._starting: asyncio.Task[DriverProcess] | None = None
        self._init: asyncio.Future[None] | None = None
        self._stopping = False
        self._starts = 0
        self._rubbish = 0
        self._ready_since = 0.0

    def __str__(self) -> str:
        return f"driver {self.kind}/{self.name}"

    def status(self) -> DriverStatus:
        """Return what the driver is doing."""
        pid = self._process.pid if self._process is not None else 0
        return DriverStatus(self.kind, self.name, pid, len(self._table), self._starts, self._back_off.reason)

    async def request(self, request: Request, *, timeout: timedelta | None = None) -> Reply:
        """Send a request and return its answer, be it success or failure.

        :param timeout: counted anew at each sign of progress
        :raises DriverTimeoutError: no answer in time; what the driver began may still be going on
        :raises DriverUnusableError: the driver is missing, misconfigured, or refuses to start
        :raises DriverGoneError: the driver could not be started, or ended before it answered
        :raises DriverError: the request cannot be put in the driver's words, or the same one is under way
        """
        limit_s = self._limits.request_s if timeout is None else timeout.total_seconds()
        process = self._process
        if process is None or process.is_congested or self._stopping:
            process = await self._within(limit_s, self._writable_process(), request)
        line = self.dialect.encode(request)
        entry = self._table.add(request, self.dialect.wire_action(request), limit_s)
        if entry is None:
            raise DriverError(
                f"{request.action} {request.object_id}: {self} is busy with just that; wait for its answer"
            )
        self._trace(">", line)
        process.send(line)
        try:
            return await entry.outcome
        finally:
            self._table.discard(entry)

    async def start(self) -> None:
        """Start the process if none runs.

        :raises DriverGoneError: it cannot be started
        """
        await self._running_process()

    async def cancel(self, object_id: int) -> None:
        """Make the driver drop what it does for an object; the requests end as failures."""
        if self._process is None:
            return
        self._process.send(self.dialect.cancel(object_id))
        for entry in self._table.of(object_id):
            self._table.resolve(entry, Reply(False, f"driver command for {object_id} cancelled"))

    async def stop(self) -> None:
        """End the process: FINALIZE, a moment, SIGKILL. Requests in flight fail; no new ones are taken."""
        self._stopping = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        process = self._process
        if process is not None:
            process.send("FINALIZE")
            process.close_input()
            try:
                await asyncio.wait_for(process.wait(), self._limits.finalize_s)
            except TimeoutError:
                LOG.warning("%s: does not end; it is killed", self)
                await process.close()
        self._process = None
        for process in self._processes:  # one that ended by itself just now must be reaped too
            await process.close()
        self._fail_all("the core ends")
        self._table.close()

    # Starting and ending

    async def _writable_process(self) -> DriverProcess:
        while True:
            process = await self._running_process()
            await process.writable()
            if process is self._process:  # it may have ended meanwhile
                return process

    async def _running_process(self) -> DriverProcess:
        if self._stopping:
            raise DriverGoneError(f"{self}: the core ends; ask again when it is back")
        if self._process is not None:
            return self._process
        if self._starting is None:
            pause_s = self._back_off.pause_s(asyncio.get_running_loop().time())
            if pause_s > self._limits.patience_s:
                raise self._failure(
                    f"{self}: {self._back_off.reason}; it is started again in {math.ceil(pause_s)} s"
                )
            self._starting = asyncio.create_task(self._start(pause_s), name=f"start {self}")
            self._starting.add_done_callback(self._started)
        return await asyncio.shield(self._starting)

    async def _start(self, pause_s: float) -> DriverProcess:
        await asyncio.sleep(pause_s)
        loop = asyncio.get_running_loop()
        self._rubbish = 0
        self._starts += 1
        self._init = loop.create_future()
        try:
            process = await self._initialised()
        except (OSError, OpenNebulaError) as error:
            self._back_off.note(loop.time(), f"cannot be started: {error}", lived_s=0)
            self._failure = DriverUnusableError if isinstance(error, _UNUSABLE) else DriverGoneError
            raise self._failure(
                f"{self}: {self._back_off.reason}; see var/log/{self.kind}_{self.name}.log"
            ) from None
        self._process = process
        self._failure = DriverGoneError
        self._ready_since = loop.time()
        LOG.info("%s: ready, process %d", self, process.pid)
        self._events.on_ready()
        return process

    async def _initialised(self) -> DriverProcess:
        assert self._init is not None
        process = await DriverProcess.start(self._launch(), self._read, self._ended)
        self._processes = [each for each in self._processes if not each.is_closed] + [process]
        process.send("INIT")
        try:
            await asyncio.wait_for(self._init, self._limits.init_s)
        except TimeoutError:
            await process.close()
            raise DriverError(f"it did not answer INIT in {self._limits.init_s:g} s") from None
        except (DriverError, asyncio.CancelledError):
            await process.close()
            raise
        return process

    def _started(self, task: asyncio.Task[DriverProcess]) -> None:
        self._starting = None
        if not task.cancelled() and (error := task.exception()) is not None:
            LOG.error("%s", error)

    def _ended(self, reason: str) -> None:
        """Take note that a process has ended: the one being started, the one in use, or one given up."""
        if self._init is not None and not self._init.done():
            self._init.set_exception(DriverError(reason))
        elif self._process is not None and not self._stopping:
            now = asyncio.get_running_loop().time()
            self._back_off.note(now, reason, lived_s=now - self._ready_since)
            self._process = None
            LOG.error("%s: %s; requests in flight: %d", self, reason, len(self._table))
            self._fail_all(reason)
            self._events.on_gone(reason)

    def _fail_all(self, reason: str) -> None:
        for entry in list(self._table):
            request = entry.request
            self._table.reject(
                entry,
                DriverGoneError(
                    f"{request.action} {request.object_id}: {self} is gone: {reason}; "
                    f"whether it was done is not known"
                ),
            )

    # Reading

    def _read(self, lines: list[str]) -> None:
        for line in lines:
            self._trace("<", line)
            try:
                self._read_line(line)
            except Exception:  # whoever is told of the line failed: the next lines must still be read
                LOG.exception("%s: a line could not be handled", self)

    def _read_line(self, line: str) -> None:
        parsed = parse_answer(line)
        if isinstance(parsed, LogLine):
            self._log(self.dialect.decode_log(parsed))
        elif self._init is not None and not self._init.done():
            self._read_init(line)
        elif parsed is None:
            self._note_rubbish(line)
        else:
            self._answer(parsed, line)

    def _read_init(self, line: str) -> None:
        assert self._init is not None
        words = line.split(None, 2)
        if words[:2] == ["INIT", "FAILURE"]:
            reason = "".join(words[2:]).removeprefix("- ")
            self._init.set_exception(DriverUnusableError(f"it refused: {reason}"))
        elif words[:1] == ["INIT"]:
            self._init.set_result(None)
        else:
            self._note_rubbish(line)

    def _answer(self, answer: Answer, line: str) -> None:
        entry = self._table.find(answer.action, answer.object_id)
        try:
            messages = self.dialect.messages(answer)
            reply = self.dialect.decode(entry.request, answer) if entry is not None else None
        except DriverError as error:
            if entry is None:
                self._note_rubbish(f"{line[:100]}: {error}")
            else:
                self._table.reject(entry, error)
            return
        for message in messages:
            self._events.on_message(message)
        if entry is not None and reply is not None:
            self._table.resolve(entry, reply)
        elif not messages:
            self._note_rubbish(line)

    def _log(self, line: LogLine) -> None:
        if line.text.startswith("PROGRESS "):
            words = line.text.split()
            if len(words) == 3 and words[1].isdecimal() and words[2].isdecimal():
                done, total = int(words[1]), int(words[2])
                self._table.progress(line.object_id, done, total)
                self._events.on_progress(line.object_id, done, total)
                return
        severity = "I" if line.severity == "-" else line.severity
        self._events.on_log(severity, line.object_id, self._without_secrets(line))

    def _without_secrets(self, line: LogLine) -> str:
        """Return what a driver says as it may be logged: it may repeat what it was asked about."""
        text = flatten(line.text)
        if self.kind != "auth":
            return text
        asked = [entry.request for entry in self._table.of(line.object_id)]
        secrets = [request.secret for request in asked if isinstance(request, AuthRequest)]
        # Without a request it cannot be told what in the line is secret.
        return without(text, secrets) if secrets or line.object_id < 0 else "a line about credentials"

    def _note_rubbish(self, line: str) -> None:
        self._rubbish += 1
        if self._rubbish <= MAX_RUBBISH_LINES:
            LOG.warning("%s: wrote what nobody asked for: %s", self, self._shown(line))

    def _trace(self, direction: str, line: str) -> None:
        if LOG.isEnabledFor(logging.DEBUG):
            LOG.debug("%s: %s %s", self, direction, self._shown(line))

    def _shown(self, line: str) -> str:
        """Return what of a line may stand in a log."""
        return "a line about credentials" if self.kind == "auth" else repr(line[:MAX_SHOWN_CHARS])

    # Time

    def _overdue(self, entry: InFlight) -> DriverTimeoutError:
        return self._timeout(entry.request, entry.limit_s)

    def _timeout(self, request: Request, limit_s: float) -> DriverTimeoutError:
        return DriverTimeoutError(
            f"{request.action} {request.object_id}: {self} did not answer in {limit_s:g} s; "
            f"see var/log/{self.kind}_{self.name}.log"
        )

    async def _within(self, limit_s: float, awaited: Awaitable[T], request: Request) -> T:
        try:
            async with asyncio.timeout(None if limit_s == math.inf else limit_s):
                return await awaited
        except TimeoutError:
            raise self._timeout(request, limit_s) from None
