from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from opennebula_core.config import Location
from opennebula_core.errors import DriverError, RemoteError
from opennebula_core.wire.framing import RequestLine
from opennebula_core.wire.services import dispatcher as module
from opennebula_core.wire.services.dispatcher import Dispatcher
from opennebula_core.wire.services.drivers import HOST_LIMIT, DriverSet, ProcessSettings
from opennebula_core.wire.services.report import WireReport
from opennebula_core.wire.services.service import Job, Service


@dataclass(slots=True)
class Log:
    lines: list[str] = field(default_factory=list)
    running: int = 0
    most: int = 0


class Acting(Service):
    """Does what the request says: ``ACTION ID HOST WHAT``."""

    kind = "vmm"
    log: Log
    go: asyncio.Event
    leave: threading.Event

    def load(self) -> None:
        self.log, self.go = Log(), asyncio.Event()
        self.leave = threading.Event()

    def job(self, request: RequestLine, report: WireReport) -> Job:
        host, what = request.words
        if what == "unreadable":
            raise DriverError("cannot be read")
        return Job(host, lambda: self._act(what))

    async def _act(self, what: str) -> str:
        self.log.running += 1
        self.log.most = max(self.log.most, self.log.running)
        try:
            return await self._do(what)
        finally:
            self.log.running -= 1

    async def _do(self, what: str) -> str:
        match what:
            case "wait":
                await self.go.wait()
            case "stay":
                await self.drivers.call("host01", self.leave.wait)
            case "thread":
                await self.drivers.call("host01", time.sleep, 0.05)
            case "fail":
                raise DriverError("first line\nsecond line")
            case "unreachable":
                raise RemoteError("no route to host01")
            case "bug":
                raise KeyError("missing")
            case "missing":
                raise NotImplementedError
            case "exit":
                sys.exit(3)
            case "exit in a thread":
                await self.drivers.call("host01", sys.exit, 3)
            case "give up":
                raise asyncio.CancelledError
        return what


@dataclass(slots=True)
class Bench:
    service: Acting
    dispatcher: Dispatcher
    lines: list[str]

    def feed(self, *lines: str) -> None:
        self.dispatcher.feed(list(lines))

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
async def bench(location: Location) -> AsyncIterator[Bench]:
    service = Acting("test", DriverSet(location, ProcessSettings(threads=4)))
    service.load()
    lines: list[str] = []
    bench = Bench(service, Dispatcher(service, lines.append), lines)
    yield bench
    service.go.set()
    service.leave.set()
    bench.dispatcher.finished.set()
    await bench.dispatcher.finish()
    await service.drivers.close()


async def test_init_is_answered_within_31_bytes(bench: Bench) -> None:
    bench.feed("INIT")

    assert bench.lines == ["INIT SUCCESS - -"]


async def test_blank_and_broken_lines_are_not_answered(bench: Bench) -> None:
    bench.feed("", "   ", "DEPLOY", "DEPLOY seven host01 ok")
    await bench.settle()

    assert bench.lines == []


@pytest.mark.parametrize(
    ("what", "answer"),
    [
        ("ok", "ACT SUCCESS 7 ok"),
        ("fail", "ACT FAILURE 7 first line second line"),
        ("unreachable", "ACT FAILURE 7 no route to host01"),
        ("unreadable", "ACT FAILURE 7 cannot be read"),
        ("bug", "ACT FAILURE 7 ACT: KeyError: 'missing'; this is a fault of the driver"),
        ("missing", "ACT FAILURE 7 ACT is not implemented by driver vmm/test"),
        ("exit", "ACT FAILURE 7 ACT: SystemExit: 3; this is a fault of the driver"),
        ("give-up", "ACT SUCCESS 7 give-up"),
    ],
)
async def test_every_request_is_answered_exactly_once(what: str, answer: str, bench: Bench) -> None:
    bench.feed(f"ACT 7 host01 {what}")
    await bench.settle()

    assert bench.lines == [answer]


async def test_code_that_gives_up_by_itself_is_answered_too(bench: Bench) -> None:
    bench.service._act = lambda what: bench.service._do("give up")  # type: ignore[method-assign]
    bench.feed("ACT 7 host01 x")
    await bench.settle()

    assert bench.lines == ["ACT FAILURE 7 ACT: the driver's code gave up"]


async def test_code_that_exits_in_a_thread_is_answered_too(bench: Bench) -> None:
    bench.service._act = lambda what: bench.service._do("exit in a thread")  # type: ignore[method-assign]
    bench.feed("ACT 7 host01 x")
    deadline = time.monotonic() + 5
    while not bench.lines and time.monotonic() < deadline:
        await asyncio.sleep(0.01)

    assert bench.lines == ["ACT FAILURE 7 ACT: SystemExit: 3; this is a fault of the driver"]


async def test_answers_come_as_the_work_ends(bench: Bench) -> None:
    bench.feed("ACT 1 host01 wait", "ACT 2 host01 ok")
    await bench.settle()
    assert bench.lines == ["ACT SUCCESS 2 ok"]

    bench.service.go.set()
    await bench.settle()
    assert bench.lines == ["ACT SUCCESS 2 ok", "ACT SUCCESS 1 wait"]


async def test_cancel_drops_the_work_and_answers_a_log_line_only(bench: Bench) -> None:
    bench.feed("ACT 9 host01 wait", "OTHER 9 host01 wait", "ACT 8 host01 wait")
    await bench.settle()

    bench.feed("DRIVER_CANCEL  9 ")
    await bench.settle()

    assert bench.lines == ["LOG I 9 Driver command for 9 cancelled"]
    assert bench.service.log.running == 1


async def test_cancel_of_what_is_not_there_is_told_too(bench: Bench) -> None:
    bench.feed("DRIVER_CANCEL 9")

    assert bench.lines == ["LOG I 9 Driver command for 9 cancelled"]


async def test_the_same_request_again_replaces_the_first(bench: Bench) -> None:
    bench.feed("ACT 7 host01 wait")
    await bench.settle()

    bench.feed("ACT 7 host01 ok")
    await bench.settle()

    assert bench.lines == ["ACT SUCCESS 7 ok"]
    assert bench.service.log.running == 0
    bench.feed("ACT 7 host01 ok")
    await bench.settle()
    assert len(bench.lines) == 2


@pytest.mark.parametrize("dropping", ["DRIVER_CANCEL 7", "ACT 7 host01 ok"])
async def test_an_action_does_not_begin_while_its_dropped_attempt_is_on_a_thread(
    bench: Bench, dropping: str
) -> None:
    bench.feed("ACT 7 host01 stay")
    await bench.settle()
    bench.feed(dropping, "ACT 7 host01 ok", "ACT 8 host01 ok")
    await bench.settle()
    assert [line for line in bench.lines if not line.startswith("LOG")] == ["ACT SUCCESS 8 ok"]

    bench.service.leave.set()
    async with asyncio.timeout(5):
        while bench.lines[-1] != "ACT SUCCESS 7 ok":
            await asyncio.sleep(0.005)
    assert bench.lines.count("ACT SUCCESS 7 ok") == 1


async def test_another_action_waits_for_a_dropped_one_for_a_while_only(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OTHERS_S", 0.05)
    bench.feed("ACT 7 host01 stay")
    await bench.settle()
    bench.feed("DRIVER_CANCEL 7", "OTHER 7 host01 ok")
    await bench.settle()
    assert "OTHER SUCCESS 7 ok" not in bench.lines
    async with asyncio.timeout(5):
        while "OTHER SUCCESS 7 ok" not in bench.lines:
            await asyncio.sleep(0.005)


async def test_an_action_that_waits_can_be_dropped_too(bench: Bench) -> None:
    bench.feed("ACT 7 host01 stay")
    await bench.settle()
    bench.feed("ACT 7 host01 ok", "DRIVER_CANCEL 7")
    await bench.settle()
    bench.service.leave.set()
    bench.feed("ACT 7 host01 fail")
    async with asyncio.timeout(5):
        while not bench.lines[-1].startswith("ACT FAILURE 7"):
            await asyncio.sleep(0.005)
    assert "ACT SUCCESS 7 ok" not in bench.lines


async def test_one_host_s_work_starves_no_other(bench: Bench) -> None:
    bench.feed(*(f"ACT {vm_id} slow wait" for vm_id in range(HOST_LIMIT + 20)), "ACT 999 quick ok")
    for _ in range(5):
        await bench.settle()

    assert bench.lines == ["ACT SUCCESS 999 ok"]
    assert bench.service.log.running == HOST_LIMIT
    bench.service.go.set()
    for _ in range(20):
        await bench.settle()
    assert len(bench.lines) == HOST_LIMIT + 21


async def test_methods_that_block_run_on_few_threads(bench: Bench) -> None:
    bench.feed(*(f"ACT {vm_id} host01 thread" for vm_id in range(6)))
    most = 0
    while len(bench.lines) < 6:
        await asyncio.sleep(0.005)
        most = max(most, sum(thread.name.startswith("action") for thread in threading.enumerate()))

    assert most <= 4


async def test_after_finalize_nothing_is_taken_and_what_runs_may_end(bench: Bench) -> None:
    bench.feed("ACT 1 host01 wait", "FINALIZE", "ACT 2 host01 ok")
    await bench.settle()
    assert bench.dispatcher.finished.is_set()

    asyncio.get_running_loop().call_later(0.1, bench.service.go.set)
    await bench.dispatcher.finish()

    assert bench.lines == ["ACT SUCCESS 1 wait"]


async def test_what_does_not_end_is_dropped(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FINISH_S", 0.1)
    bench.feed("ACT 1 host01 wait", "FINALIZE")

    await bench.dispatcher.finish()

    assert bench.lines == []
    assert bench.service.log.running == 0


async def test_when_the_core_is_gone_everything_is_dropped_at_once(bench: Bench) -> None:
    bench.feed("ACT 1 host01 wait")
    await bench.settle()
    bench.dispatcher.lose()

    started = time.monotonic()
    await bench.dispatcher.finish()

    assert time.monotonic() - started < 0.5
    assert bench.service.log.running == 0
