from __future__ import annotations

import asyncio
import math

import pytest

from opennebula_core.errors import DriverTimeoutError
from opennebula_core.wire.requests import Reply, VmmRequest
from opennebula_core.wire.table import InFlight, RequestTable


def overdue(entry: InFlight) -> DriverTimeoutError:
    return DriverTimeoutError(f"{entry.action} is late")


def request(vm_id: int = 7, action: str = "DEPLOY") -> VmmRequest:
    return VmmRequest(action, vm_id, "host01", "<VM/>")


def entered(table: RequestTable, limit_s: float = 60, vm_id: int = 7, action: str = "DEPLOY") -> InFlight:
    entry = table.add(request(vm_id, action), action, limit_s)
    assert entry is not None
    return entry


async def test_a_request_is_found_by_action_and_id() -> None:
    table = RequestTable(overdue)
    deploy, poll = entered(table), entered(table, action="POLL")

    assert table.find("POLL", 7) is poll
    assert table.find("POLL", 8) is None
    assert table.find("SAVE", 7) is None
    assert table.of(7) == [deploy, poll]
    assert len(table) == 2
    table.close()


async def test_the_same_request_is_not_taken_twice() -> None:
    table = RequestTable(overdue)
    first = entered(table)

    assert table.add(request(), "DEPLOY", 60) is None
    table.resolve(first, Reply(True, ""))
    assert table.add(request(), "DEPLOY", 60) is not None
    table.close()


async def test_taking_a_request_out_twice_does_not_take_its_successor() -> None:
    table = RequestTable(overdue)
    first = entered(table)
    table.discard(first)
    second = entered(table)

    table.discard(first)

    assert table.find("DEPLOY", 7) is second
    assert len(table) == 1
    table.close()


async def test_each_request_has_its_own_limit_on_one_timer() -> None:
    table = RequestTable(overdue)
    slow, never, fast = entered(table, 60, 1), entered(table, math.inf, 2), entered(table, 0.05, 3)

    with pytest.raises(DriverTimeoutError, match="DEPLOY is late"):
        await fast.outcome

    assert not slow.outcome.done()
    assert not never.outcome.done()
    assert len(table) == 2
    table.close()


async def test_progress_gives_the_time_anew_but_repeating_itself_does_not() -> None:
    table = RequestTable(overdue)
    entry = entered(table, 0.2)
    loop = asyncio.get_running_loop()
    started = loop.time()

    for step in range(4):
        await asyncio.sleep(0.1)
        table.progress(7, step, 100)
    assert not entry.outcome.done()
    while not entry.outcome.done():
        await asyncio.sleep(0.05)
        table.progress(7, 3, 100)

    assert 0.5 < loop.time() - started < 2
    assert isinstance(entry.outcome.exception(), DriverTimeoutError)
