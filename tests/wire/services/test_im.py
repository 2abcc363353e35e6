from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, ClassVar

import pytest

from opennebula_core.contracts.im import GuestReport, HostReport, ImDriver, MonitoredHost
from opennebula_core.contracts.vmm import GuestState
from opennebula_core.errors import DriverError, RemoteError
from opennebula_core.wire.dialects.im import PackedImDialect
from opennebula_core.wire.framing import Answer, parse_answer
from opennebula_core.wire.monitoring import (
    HostBeacon,
    HostCapacity,
    HostFailed,
    HostSystem,
    MonitorListener,
    MonitorMessage,
    VmMetrics,
    VmStates,
    pack,
    unpack,
)
from opennebula_core.wire.requests import MonitorRequest
from opennebula_core.wire.services import host_watch, im
from opennebula_core.wire.services.im import ImService

Serve = Callable[..., Any]
Until = Callable[[Callable[[], object]], Awaitable[None]]

DIALECT = PackedImDialect()


class Eye(ImDriver):
    guests: ClassVar[tuple[GuestReport, ...]] = ()
    error: ClassVar[Exception | None] = None
    looks: ClassVar[list[tuple[str, float]]] = []
    hanging: ClassVar[set[str]] = set()
    at_once: ClassVar[int] = 0
    most_at_once: ClassVar[int] = 0

    async def probe(self, host: MonitoredHost) -> HostReport:
        Eye.looks.append((host.name, time.monotonic()))
        Eye.at_once += 1
        Eye.most_at_once = max(Eye.most_at_once, Eye.at_once)
        try:
            if host.name in self.hanging:
                await asyncio.Event().wait()
            await asyncio.sleep(0.01)
        finally:
            Eye.at_once -= 1
        if self.error is not None:
            raise self.error
        return HostReport(800, 100, 16_000_000, 4_000_000, (("ARCH", "x86_64"),), self.guests)


@pytest.fixture
def eye() -> type[Eye]:
    Eye.guests, Eye.error, Eye.looks, Eye.hanging = (), None, [], set()
    Eye.at_once = Eye.most_at_once = 0
    return Eye


@pytest.fixture
def received() -> list[MonitorMessage]:
    return []


@pytest.fixture
async def listener(received: list[MonitorMessage]) -> AsyncIterator[MonitorListener]:
    listener = MonitorListener("127.0.0.1", 0, received.append)
    await listener.start()
    yield listener
    await listener.stop()


@pytest.fixture
def driven(serve: Serve, classes: dict[tuple[str, str], type], eye: type[Eye]) -> Any:
    classes["im", "eye"] = eye
    return serve(ImService, "eye")


@pytest.fixture
def start(listener: MonitorListener) -> Callable[..., str]:
    def line(
        host_id: int = 3, name: str = "host01", period: float = 0.1, action: str = "START_MONITOR"
    ) -> str:
        names = ("BEACON_HOST", "MONITOR_HOST", "STATE_VM", "MONITOR_VM")
        periods = "".join(f"<{name}>{period}</{name}>" for name in names)
        host = f"<HOST><ID>{host_id}</ID><NAME>{name}</NAME></HOST>"
        configuration = (
            f"<MONITOR_CONFIGURATION><NETWORK><ADDRESS>0.0.0.0</ADDRESS><MONITOR_ADDRESS>auto</MONITOR_ADDRESS>"
            f"<PORT>{listener.port}</PORT></NETWORK><PROBES_PERIOD>{periods}</PROBES_PERIOD>"
            f"</MONITOR_CONFIGURATION>"
        )
        return DIALECT.encode(MonitorRequest(action, host_id, host, configuration))

    return line


def guest(vm_id: int) -> GuestReport:
    return GuestReport(
        vm_id, f"one-{vm_id}", GuestState.RUNNING, 12.5, 1024, 10, 20, 30, 40, 5, 6, ((0, 64),)
    )


def read(line: str) -> Answer:
    answer = parse_answer(line)
    assert isinstance(answer, Answer)
    return answer


async def test_the_answer_carries_the_first_look(
    driven: Any, eye: type[Eye], start: Callable[..., str]
) -> None:
    eye.guests = (guest(7), guest(8))

    answer = read(await driven.ask(start()))

    assert answer.success
    system, capacity, states, metrics = DIALECT.messages(answer)
    assert isinstance(system, HostSystem)
    assert system.attributes.get("TOTALCPU") == "800"
    assert system.attributes.get("ARCH") == "x86_64"
    assert isinstance(capacity, HostCapacity)
    assert capacity.attributes.get("FREECPU") == "700"
    assert capacity.attributes.get("FREEMEMORY") == "12000000"
    assert isinstance(states, VmStates)
    assert states.sync
    assert [vm.vm_id for vm in states.vms] == [7, 8]
    assert isinstance(metrics, VmMetrics)
    sample = metrics.samples[0]
    assert (sample.vm_id, sample.deploy_id) == (7, "one-7")
    assert sample.attributes.get("CPU") == "12.50"
    assert sample.attributes.get("DISKWRIOPS") == "6"
    assert sample.attributes.vector("DISK_SIZE") == {"ID": "0", "SIZE": "64"}


async def test_looks_go_on_by_themselves_and_are_sent(
    driven: Any, eye: type[Eye], start: Callable[..., str], received: list[MonitorMessage], until: Until
) -> None:
    eye.guests = (guest(7),)
    await driven.ask(start())

    def kinds() -> set[type]:
        return {type(message) for message in received}

    await until(lambda: kinds() >= {HostCapacity, HostBeacon, VmStates, VmMetrics})

    states = next(message for message in received if isinstance(message, VmStates))
    assert not states.sync  # the answer told the whole list; it is due again much later
    assert states.host_id == 3
    assert abs(states.timestamp - time.time()) < 5
    assert HostSystem not in kinds()


async def test_a_guest_that_vanished_is_told_of_at_the_next_look(
    driven: Any, eye: type[Eye], start: Callable[..., str], received: list[MonitorMessage], until: Until
) -> None:
    eye.guests = (guest(7), guest(8))
    await driven.ask(start())

    eye.guests = (guest(8),)

    def told() -> list[tuple[int, GuestState]]:
        return [
            (vm.vm_id, vm.state)
            for message in received
            if isinstance(message, VmStates)
            for vm in message.vms
        ]

    await until(lambda: (7, GuestState.POWEROFF) in told())


@pytest.mark.parametrize(
    "error", [DriverError("rubbish from virsh"), RemoteError("no route to host01"), KeyError("bug")]
)
async def test_a_host_that_fails_is_told_of_and_comes_back_by_itself(
    error: Exception,
    driven: Any,
    eye: type[Eye],
    start: Callable[..., str],
    received: list[MonitorMessage],
    until: Until,
) -> None:
    await driven.ask(start())

    eye.error = error
    await until(lambda: any(isinstance(message, HostFailed) for message in received))
    failed = next(message for message in received if isinstance(message, HostFailed))
    assert failed.host_id == 3
    assert str(error) in failed.text

    received.clear()
    eye.error = None
    await until(lambda: any(isinstance(message, VmStates) and message.sync for message in received))
    assert {HostSystem, HostCapacity, HostBeacon} <= {type(message) for message in received}


async def test_a_first_look_that_fails_is_the_answer_and_the_host_is_watched_all_the_same(
    driven: Any, eye: type[Eye], start: Callable[..., str], received: list[MonitorMessage], until: Until
) -> None:
    eye.error = RemoteError("no route to host01")

    answer = read(await driven.ask(start()))

    assert not answer.success
    assert unpack(answer.info.split()[1]) == "no route to host01"
    eye.error = None
    await until(lambda: any(isinstance(message, HostSystem) for message in received))


async def test_a_host_that_hangs_fails_in_time_and_holds_nobody_up(
    driven: Any, eye: type[Eye], start: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_watch, "PROBE_LIMIT_S", 0.3)
    eye.hanging.add("host02")
    hanging = asyncio.create_task(driven.ask(start(4, "host02")))

    assert read(await driven.ask(start(3, "host01"))).success
    assert not hanging.done()

    answer = read(await hanging)
    assert unpack(answer.info.split()[1]) == "monitor host 'host02': no answer in 0.3 s; see whether it hangs"


async def test_only_so_many_hosts_are_looked_at_at_the_same_time(
    serve: Serve,
    classes: dict[tuple[str, str], type],
    eye: type[Eye],
    start: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(im, "MAX_LOOKS", 3)
    classes["im", "eye"] = eye
    driven = serve(ImService, "eye")

    await asyncio.gather(*(driven.ask(start(host_id, f"host{host_id}", 60)) for host_id in range(20)))

    assert eye.most_at_once == 3


async def test_stop_ends_the_looks(
    driven: Any, eye: type[Eye], start: Callable[..., str], until: Until
) -> None:
    await driven.ask(start())
    await until(lambda: len(eye.looks) > 2)

    answer = read(await driven.ask(start(action="STOP_MONITOR")))

    assert answer.success
    before = len(eye.looks)
    await asyncio.sleep(0.3)
    assert len(eye.looks) == before


async def test_stop_of_a_host_that_is_not_watched_succeeds(driven: Any, start: Callable[..., str]) -> None:
    assert read(await driven.ask(start(9, action="STOP_MONITOR"))).success


async def test_a_host_started_again_is_watched_once(
    driven: Any, eye: type[Eye], start: Callable[..., str]
) -> None:
    for _ in range(4):
        await driven.ask(start(period=0.2))
    before = len(eye.looks)

    await asyncio.sleep(1.1)

    assert len(eye.looks) - before <= 8


async def test_looks_are_spread_out(
    driven: Any, eye: type[Eye], start: Callable[..., str], until: Until
) -> None:
    await asyncio.gather(*(driven.ask(start(host_id, f"host{host_id}", 0.5)) for host_id in range(20)))
    begun = time.monotonic()
    await until(lambda: len(eye.looks) >= 40)

    later = [at - begun for _, at in eye.looks[20:40]]
    assert max(later) - min(later) > 0.15


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("START_MONITOR - 3", "the payload is missing"),
        ("START_MONITOR - 3 0 !!", "read a monitoring message"),
        (f"START_MONITOR - 3 0 {pack('<A>')}", "its payload is damaged"),
        (f"START_MONITOR - 3 0 {pack('<A/>')}", "the payload names no host"),
    ],
)
async def test_a_damaged_request_is_answered(line: str, reason: str, driven: Any) -> None:
    answer = read(await driven.ask(line))

    assert not answer.success
    assert reason in unpack(answer.info.split()[1])
