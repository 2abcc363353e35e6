from __future__ import annotations

import asyncio

from opennebula_core.api.reading import LongAnswers


async def test_who_finds_no_place_waits_until_one_is_given_back() -> None:
    answers = LongAnswers(1)
    with answers.place() as first:
        await first.take()
        second = answers.place()
        waiting = asyncio.create_task(second.take())
        await asyncio.sleep(0)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 5)


async def test_asking_twice_takes_one_place() -> None:
    answers = LongAnswers(1)
    with answers.place() as place:
        await place.take()
        await asyncio.wait_for(place.take(), 5)
    with answers.place() as another:
        await asyncio.wait_for(another.take(), 5)


async def test_a_place_that_was_not_needed_is_not_given_back() -> None:
    answers = LongAnswers(1)
    with answers.place():
        pass
    with answers.place() as first:
        await first.take()
        waiting = asyncio.create_task(answers.place().take())
        await asyncio.sleep(0)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 5)
