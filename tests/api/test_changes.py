from __future__ import annotations

import asyncio
import time

import pytest

from opennebula_core.errors import AuthorizationError, ParameterError
from opennebula_core.model.objects import VmTemplate

from .conftest import ADMIN, ALICE, Api


def change_something(api: Api, name: str = "web") -> int:
    return api.store.write_now(lambda tx: tx.vm_templates.allocate(VmTemplate(-1, name)))


async def test_the_first_call_says_where_we_are(api: Api) -> None:
    with api.client() as client:
        changes = await asyncio.to_thread(client.changes, -1, 0)
    assert changes.changes == ()
    assert changes.cursor == api.store.read(lambda snapshot: snapshot.last_change())
    assert not changes.is_reset


async def test_what_happened_since_is_told_at_once(api: Api) -> None:
    with api.client() as client:
        cursor = (await asyncio.to_thread(client.changes, -1, 0)).cursor
        template_id = change_something(api)
        changes = await asyncio.to_thread(client.changes, cursor, 10)
        assert [(change.kind, change.object_id, change.event) for change in changes.changes] == [
            ("TEMPLATE", template_id, "allocate")
        ]
        assert changes.cursor == changes.changes[-1].seq
        assert (await asyncio.to_thread(client.changes, changes.cursor, 0)).changes == ()


@pytest.mark.parametrize("from_loop", [True, False], ids=["write", "write_now"])
async def test_a_commit_wakes_who_waits(api: Api, from_loop: bool) -> None:
    with api.client() as client:
        waiting = asyncio.create_task(asyncio.to_thread(client.changes, -1, 20))
        while not api.feed._waiting:
            await asyncio.sleep(0.01)
        started = time.perf_counter()
        if from_loop:
            await api.store.write(lambda tx: tx.vm_templates.allocate(VmTemplate(-1, "web")))
        else:
            await asyncio.to_thread(change_something, api)
        changes = await waiting
    assert len(changes.changes) == 1
    assert time.perf_counter() - started < 5


async def test_a_wait_without_changes_ends_with_the_same_cursor(api: Api) -> None:
    cursor = api.store.read(lambda snapshot: snapshot.last_change())
    document = await api.feed.after(cursor, 0)
    assert document.decode() == f"&lt;CHANGES>&lt;CURSOR>{cursor}&lt;/CURSOR>&lt;/CHANGES>"


async def test_who_was_away_too_long_starts_afresh(api: Api) -> None:
    change_something(api)
    newest = api.store.read(lambda snapshot: snapshot.last_change())
    api.store.write_now(lambda tx: tx.execute("DELETE FROM outbox WHERE seq < ?", (newest,)))
    with api.client() as client:
        changes = await asyncio.to_thread(client.changes, 1, 10)
    assert changes.is_reset
    assert changes.cursor == newest


async def test_a_cursor_of_another_database_starts_afresh(api: Api) -> None:
    with api.client() as client:
        assert (await asyncio.to_thread(client.changes, 10**9, 10)).is_reset


async def test_closing_lets_everybody_go(api: Api) -> None:
    waiting = [asyncio.create_task(api.feed.after(-1, 100)) for _ in range(3)]
    while len(api.feed._waiting) < 3:
        await asyncio.sleep(0.01)
    api.feed.close()
    assert all(b"CURSOR" in document for document in await asyncio.gather(*waiting))
    assert not api.feed._waiting


@pytest.mark.parametrize(("cursor", "timeout"), [(-2, 0), (0, -1), (0, 301)])
async def test_what_is_out_of_range_is_refused(api: Api, cursor: int, timeout: int) -> None:
    with api.client() as client, pytest.raises(ParameterError):
        await asyncio.to_thread(client.changes, cursor, timeout)


async def test_only_admins_hear_of_changes(api: Api) -> None:
    with api.client(ALICE) as client, pytest.raises(AuthorizationError):
        await asyncio.to_thread(client.changes, -1, 0)
    with api.client(ADMIN) as client:
        await asyncio.to_thread(client.changes, -1, 0)
