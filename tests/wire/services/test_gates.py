from __future__ import annotations

import asyncio

import pytest

from opennebula_core.wire.services.gates import HostGates


async def test_so_many_are_let_in_for_each_host() -> None:
    gates = HostGates(2)
    inside: list[str] = []

    async def visit(host: str) -> None:
        async with gates.holding(host):
            inside.append(host)
            await asyncio.Event().wait()

    visits = [asyncio.create_task(visit(host)) for host in ("a", "a", "a", "b")]
    await asyncio.sleep(0)
    assert inside == ["a", "a", "b"]

    visits[0].cancel()
    await asyncio.wait([visits[0]])
    await asyncio.sleep(0)
    assert inside == ["a", "a", "b", "a"]
    for each in visits:
        each.cancel()
    await asyncio.wait(visits)


async def test_hosts_without_anybody_take_no_room() -> None:
    gates = HostGates(1)
    await gates.enter("a")
    waiting = asyncio.create_task(gates.enter("a"))
    await asyncio.sleep(0)

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gates.leave("a")

    assert gates._gates == {}
