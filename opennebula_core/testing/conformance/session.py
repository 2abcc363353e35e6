"""One run of the driver under test: what is said to it, what it says, and what it may not say."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from opennebula_core.testing.conformance.outcome import CheckFailedError
from opennebula_core.testing.conformance.processes import MARK, end_all, marked
from opennebula_core.testing.conformance.subject import Limits
from opennebula_core.wire.framing import Answer, LogLine, parse_answer
from opennebula_core.wire.monitoring.reading import MESSAGE_TYPES

SEVERITIES: Final = frozenset("-IEDW")
TORN_S: Final = 0.05
"""Parts of a short line so far apart are two writes. Source: OpenNebula up to 5.12 gives up after 25 ms."""

ATOMIC_BYTES: Final = 4096
"""One write of up to so much arrives in one piece. Source: POSIX, PIPE_BUF on Linux."""

SHOWN: Final = 160
"""Characters of a line that reports show."""

LEFT_S: Final = 0.5
"""After its end, what a driver has started may take so long to end."""


class Session:
    """A running driver.

    :param mark: what its environment says, to find what it starts
    """

    def __init__(self, process: asyncio.subprocess.Process, limits: Limits, mark: str) -> None:
        self.process = process
        self.exchange: list[str] = []
        """What was said, for reports."""
        self.logs: list[LogLine] = []
        self.faults: list[str] = []
        """What the driver wrote and may not write."""
        self._limits = limits
        self._mark = mark
        self._expected: Counter[tuple[str, int]] = Counter()
        self._answers: dict[tuple[str, int], deque[Answer]] = {}
        self._heard = asyncio.Condition()
        self._tail = b""
        self._tail_at = 0.0
        self.is_at_end = False
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        directory: Path,
        environment: Mapping[str, str],
        limits: Limits,
        *,
        without_stderr: bool = False,
    ) -> Session:
        """Start the driver, in a session of its own.

        :raises CheckFailedError: the program cannot be started
        """
        command = ("/bin/sh", "-c", 'exec "$0" "$@" 2>&-', *argv) if without_stderr else argv
        with (directory / "stderr").open("ab") as errors:
            try:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=errors,
                    cwd=directory,
                    env=dict(environment),
                    start_new_session=True,
                )
            except OSError as error:
                raise CheckFailedError("a program that can be started", str(error)) from None
        return cls(process, limits, environment[MARK])

    def tell(self, *lines: str) -> None:
        """Write lines together."""
        for line in lines:
            self.exchange.append(f"> {_short(line)}")
        self.write("".join(f"{line}\n" for line in lines).encode())

    def write(self, data: bytes) -> None:
        """Write bytes as they are."""
        assert self.process.stdin is not None
        with suppress(ConnectionError):
            self.process.stdin.write(data)

    def expect(self, action: str, object_id: int) -> None:
        """Let one answer come."""
        self._expected[action, object_id] += 1

    def forget(self, action: str, object_id: int) -> None:
        """Let no answer come any more: the request was cancelled."""
        self._expected[action, object_id] -= 1

    def forget_all(self, action: str, object_id: int) -> None:
        """Let nothing come any more, and drop what came."""
        self._expected.pop((action, object_id), None)
        self._answers.pop((action, object_id), None)

    def send(self, line: str, action: str, object_id: int) -> None:
        """Write a request, whose answer :meth:`answer` waits for."""
        self.expect(action, object_id)
        self.tell(line)

    async def ask(self, line: str, action: str, object_id: int, limit_s: float = 0) -> Answer:
        """Write a request and return its answer."""
        self.send(line, action, object_id)
        return await self.answer(action, object_id, limit_s)

    async def answer(self, action: str, object_id: int, limit_s: float = 0) -> Answer:
        """Return the answer to a request that was sent.

        :raises CheckFailedError: none comes in time
        """
        key = (action, object_id)
        limit_s = limit_s or self._limits.answer
        try:
            async with asyncio.timeout(limit_s), self._heard:
                await self._heard.wait_for(lambda: self._answers.get(key) or self.is_at_end)
        except TimeoutError:
            seen = f"none in {limit_s:g} s" + (f"; but {self.faults[0]}" if self.faults else "")
            raise CheckFailedError(f"an answer to {action} of {object_id}", seen) from None
        if not self._answers.get(key):
            raise CheckFailedError(f"an answer to {action} of {object_id}", f"the driver {self._end()}")
        return self._answers[key].popleft()

    def has_answered(self, action: str, object_id: int) -> bool:
        """Whether an answer waits to be taken."""
        return bool(self._answers.get((action, object_id)))

    async def init(self) -> Answer:
        """Say INIT and return the answer."""
        self.expect("INIT", -1)
        self.tell("INIT")
        return await self.answer("INIT", -1)

    async def ready(self) -> None:
        """Say INIT.

        :raises CheckFailedError: the driver says that it cannot work
        """
        answer = await self.init()
        if answer.result != "SUCCESS":
            raise CheckFailedError("INIT SUCCESS", f"INIT {answer.result} {answer.info}")

    async def finish(self, *, finalize: bool = True) -> int:
        """Have the driver end, by FINALIZE or the end of its input, and return its status.

        :raises CheckFailedError: it does not end, or leaves processes behind
        """
        if finalize and not self.is_at_end:
            self.tell("FINALIZE")
        assert self.process.stdin is not None
        with suppress(ConnectionError):
            self.process.stdin.close()
        if not finalize:
            self.exchange.append("> (end of input)")
        word = "FINALIZE" if finalize else "the end of its input"
        try:
            async with asyncio.timeout(self._limits.end):
                await self.process.wait()
                await asyncio.shield(self._reading)
        except TimeoutError:
            gone = self.process.returncode is not None
            seen = "its output is still open: what it has started holds it" if gone else "it runs on"
            raise CheckFailedError(f"an end within {self._limits.end:g} s of {word}", seen) from None
        await self._check_left()
        assert self.process.returncode is not None
        return self.process.returncode

    async def _check_left(self) -> None:
        for _ in range(int(LEFT_S / TORN_S)):
            left = marked(self._mark, self.process.pid)
            if not left:
                return
            await asyncio.sleep(TORN_S)
        shown = ", ".join(f"{pid} ({command or '?'})" for pid, command in left.items())
        raise CheckFailedError("no process left behind", shown)

    async def kill(self) -> None:
        """End the driver and all that it has started, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await asyncio.to_thread(end_all, self._mark, self.process.pid)
        await self.process.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.end):
                await asyncio.shield(self._reading)
        self._reading.cancel()
        await asyncio.wait([self._reading])
        transport = self.process._transport  # type: ignore[attr-defined]  # asyncio has no other way
        transport.close()

    def raise_faults(self) -> None:
        """Raise what the driver wrote and may not write."""
        if self.faults:
            more = f" (and {len(self.faults) - 1} more)" if len(self.faults) > 1 else ""
            raise CheckFailedError("only answers to what was asked, and LOG lines", self.faults[0] + more)

    async def _read(self) -> None:
        assert self.process.stdout is not None
        loop = asyncio.get_running_loop()
        while data := await self.process.stdout.read(1 << 18):
            now = loop.time()
            if self._tail and len(self._tail) < ATOMIC_BYTES and now - self._tail_at > TORN_S:
                self.faults.append(
                    f"a line in pieces, {now - self._tail_at:.2f} s apart: {self._tail[:40]!r}"
                )
            *lines, self._tail = (self._tail + data).split(b"\n")
            self._tail_at = now
            async with self._heard:
                for line in lines:
                    self._take(line)
                self._heard.notify_all()
        if self._tail:
            self.faults.append(f"a last line without its end: {self._tail[:80]!r}")
        async with self._heard:
            self.is_at_end = True
            self._heard.notify_all()

    def _take(self, raw: bytes) -> None:
        line = raw.decode("utf-8", "replace")
        self.exchange.append(f"< {_short(line)}")
        if fault := _unreadable(raw):
            self.faults.append(fault)
        parsed = parse_answer(line)
        if line.split(None, 1)[:1] == ["INIT"]:
            words = line.split(None, 3)
            parsed = Answer("INIT", words[1] if len(words) > 1 else "", -1, " ".join(words[3:]))
        match parsed:
            case None:
                self.faults.append(f"a line that says nothing: {_short(line)!r}")
            case LogLine():
                self.logs.append(parsed)
                if parsed.severity not in SEVERITIES:
                    self.faults.append(f"a LOG line of severity {parsed.severity!r}: {_short(line)!r}")
            case Answer():
                self._take_answer(parsed, line)

    def _take_answer(self, answer: Answer, line: str) -> None:
        key = (answer.action, answer.object_id)
        if answer.action in MESSAGE_TYPES:  # of monitoring, which come by themselves
            return
        if self._expected[key] <= 0:
            self.faults.append(f"an answer to what nobody asked, or had answered already: {_short(line)!r}")
            return
        if answer.result not in ("SUCCESS", "FAILURE"):
            self.faults.append(f"a result that is neither SUCCESS nor FAILURE: {_short(line)!r}")
        self._expected[key] -= 1
        self._answers.setdefault(key, deque()).append(answer)

    def _end(self) -> str:
        status = self.process.returncode
        if status is None:
            return "closed its output"
        return f"ended with status {status}" if status >= 0 else f"was ended by signal {-status}"


def _short(line: str) -> str:
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}... ({len(line)} characters)"


def _unreadable(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return f"a line that is no UTF-8: {raw[:80]!r}"
    control = [c for c in text if ord(c) < 32 and c != "\t"]
    return f"a line with control characters: {text[:80]!r}" if control else ""
