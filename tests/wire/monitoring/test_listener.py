from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from opennebula_core.wire.monitoring import (
    HostBeacon,
    HostCapacity,
    HostSystem,
    MonitorListener,
    MonitorMessage,
)
from opennebula_core.wire.monitoring import listener as module
from opennebula_core.wire.monitoring.writing import message

Until = Callable[[Callable[[], object]], Awaitable[None]]


@pytest.fixture
def received() -> list[MonitorMessage]:
    return []


@pytest.fixture
async def listener(received: list[MonitorMessage]) -> AsyncIterator[MonitorListener]:
    listener = MonitorListener("127.0.0.1", 0, received.append)
    await listener.start()
    yield listener
    await listener.stop()


def datagram(listener: MonitorListener, data: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(data, ("127.0.0.1", listener.port))


async def stream(listener: MonitorListener, data: bytes) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(data)
    writer.close()
    await writer.wait_closed()


async def test_recorded_datagrams_of_all_releases_are_taken(
    listener: MonitorListener,
    received: list[MonitorMessage],
    transcript: Callable[[str], Any],
    until: Until,
) -> None:
    lines = [line for name in ("5.12-im", "6.10-im", "7.4-im") for line in transcript(name).datagrams]
    for line in lines:
        datagram(listener, line.encode())

    await until(lambda: len(received) == 9)

    assert {type(message) for message in received} == {HostBeacon, HostSystem, HostCapacity}


async def test_reports_of_4_4_clients_are_taken(
    listener: MonitorListener,
    received: list[MonitorMessage],
    transcript: Callable[[str], Any],
    until: Until,
) -> None:
    line = next(line for line in transcript("4.4-im").answers if line.startswith("MONITOR"))

    datagram(listener, f"{line}\n".encode())

    await until(lambda: len(received) == 2)
    assert isinstance(received[0], HostSystem)
    assert received[0].attributes.get("TOTALMEMORY") == "16777216"


async def test_a_connection_is_a_message(
    listener: MonitorListener, received: list[MonitorMessage], until: Until
) -> None:
    text = "".join(
        f'VM=[ID="{vm_id}", DEPLOY_ID="one-{vm_id}", STATE="RUNNING"]\n' for vm_id in range(50_000)
    )

    await stream(listener, message("STATE_VM", 3, 5, text).encode())

    await until(lambda: received)
    assert len(received[0].vms) == 50_000  # type: ignore[union-attr]  # its kind is tested elsewhere


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\xff\xfe\x00",
        b"rubbish",
        b"DEPLOY SUCCESS 7 one-7",
        b"MONITOR_HOST SUCCESS 3 5 !!",
        b"MONITOR SUCCESS 3 !!",
    ],
)
async def test_rubbish_is_dropped_and_disturbs_nobody(
    data: bytes,
    listener: MonitorListener,
    received: list[MonitorMessage],
    caplog: pytest.LogCaptureFixture,
    until: Until,
) -> None:
    datagram(listener, data)
    await stream(listener, data)
    datagram(listener, message("BEACON_HOST", 3, 5, "5").encode())

    await until(lambda: received)
    await until(lambda: caplog.text.count("dropped") >= 2)

    assert received == [HostBeacon(3, 5)]


async def test_a_flood_of_rubbish_does_not_fill_the_log(
    listener: MonitorListener, received: list[MonitorMessage], caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(500):
        listener.receive(b"rubbish")

    assert len(caplog.records) == 10


async def test_a_message_that_is_too_long_is_dropped(
    listener: MonitorListener,
    received: list[MonitorMessage],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    until: Until,
) -> None:
    monkeypatch.setattr(module, "MAX_MESSAGE_BYTES", 1000)

    await stream(listener, message("BEACON_HOST", 3, 5, "5").encode() + b"x" * 2000)

    await until(lambda: "more than 1000 bytes" in caplog.text)
    assert received == []


async def test_a_sender_that_dawdles_is_given_up(
    listener: MonitorListener,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    until: Until,
) -> None:
    monkeypatch.setattr(module, "TCP_LIMIT_S", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(b"BEACON_HOST")

    assert await asyncio.wait_for(reader.read(), 5) == b""

    assert "it takes too long" in caplog.text
    writer.close()


async def test_so_many_connections_are_served_at_a_time(
    listener: MonitorListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 2)
    opened = [await asyncio.open_connection("127.0.0.1", listener.port) for _ in range(3)]

    closed = [asyncio.create_task(reader.read()) for reader, _ in opened]
    done, pending = await asyncio.wait(closed, timeout=0.3)

    assert len(done) == 1
    assert len(pending) == 2
    for task in pending:
        task.cancel()
    for _, writer in opened:
        writer.close()


async def test_an_address_in_use_is_refused(listener: MonitorListener) -> None:
    second = MonitorListener("127.0.0.1", listener.port, lambda _: None)

    with pytest.raises(OSError, match="in use"):
        await second.start()
    await second.stop()


async def test_stop_closes_connections(received: list[MonitorMessage], tmp_path: Path) -> None:
    listener = MonitorListener("127.0.0.1", 0, received.append)
    await listener.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    await asyncio.sleep(0.05)

    await listener.stop()

    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
