"""Checks of a driver with much to do, slow work, and work that is given up."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from opennebula_core.testing.conformance.bench import Bench
from opennebula_core.testing.conformance.checks import Check
from opennebula_core.testing.conformance.kinds.kind import PAUSE_S, Ask, Kind, ask, ask_together
from opennebula_core.testing.conformance.outcome import CheckFailedError, CheckSkippedError
from opennebula_core.testing.conformance.processes import children, open_files
from opennebula_core.testing.conformance.session import Session

MANY: Final = 60
PILE: Final = 15
"""So many more descriptors or children after as many requests again are a leak."""

SLOW: Final = 4
TRIES: Final = 3
QUIET_S: Final = 0.5
"""An answer too many is waited for so long."""


def first_check(kind: Kind) -> Check:
    """Return the check of one request and its answer: where this fails, so does most of the rest."""
    sentence = "each request is answered once, with its own action and id"
    return Check("work.once", sentence, _Working(kind).once)


def working_checks(kind: Kind) -> list[Check]:
    """Return the checks of a kind at work."""
    own = _Working(kind)
    return [
        Check("work.many", f"of {MANY} requests at once each gets its own answer", own.many),
        Check("work.leaks", "descriptors and processes do not pile up", own.leaks),
        Check("work.beside", "slow work does not hold up other work", own.beside),
        Check("work.together", "slow work for several objects goes on at the same time", own.together),
        Check("work.cancel-idle", "DRIVER_CANCEL where nothing is under way is no matter", own.cancel_idle),
        Check("work.cancel", "what DRIVER_CANCEL ends is not answered, and may be asked again", own.cancel),
    ]


class _Working:
    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    async def once(self, bench: Bench) -> None:
        """Ask and listen a while longer."""
        session = await bench.driver()
        await ask(session, self._kind.plain(bench.new_id()))
        await ask(session, self._kind.failing(bench.new_id()))
        await asyncio.sleep(QUIET_S)

    async def _flood(self, bench: Bench, session: Session) -> None:
        requests = []
        for number in range(MANY):
            make = self._kind.failing if number % 2 else self._kind.plain
            requests.append(make(bench.new_id()))
        await ask_together(session, requests)

    async def many(self, bench: Bench) -> None:
        """Ask for what succeeds and what fails by turns."""
        await self._flood(bench, await bench.driver())

    async def leaks(self, bench: Bench) -> None:
        """Count before and after."""
        session = await bench.driver()
        await self._flood(bench, session)
        pid = session.process.pid
        files, processes = open_files(pid), children(pid)
        await self._flood(bench, session)
        await asyncio.sleep(PAUSE_S)
        more = open_files(pid) - files
        if more > PILE:
            raise CheckFailedError("as many open descriptors as before", f"{more} more")
        more = children(pid) - processes
        if more > PILE:
            raise CheckFailedError("as many children as before", f"{more} more")

    async def _begin_slow(self, bench: Bench, session: Session) -> Ask:
        request = self._kind.slow(bench.new_id())
        session.send(request.line, request.action, request.object_id)
        await asyncio.sleep(PAUSE_S)
        if session.has_answered(request.action, request.object_id):
            raise CheckSkippedError("what should take a while does not")
        return request

    async def beside(self, bench: Bench) -> None:
        """Ask for something short while something long is under way; a busy machine may need some tries."""
        for _ in range(TRIES):
            if not (late := await self._answered_late(bench)):
                return
        raise CheckFailedError(late, "it waited for the other's end, each time")

    async def _answered_late(self, bench: Bench) -> str:
        """Return what should have been answered first; empty when it was."""
        session = await bench.driver()
        slow = await self._begin_slow(bench, session)
        quick = self._kind.plain(bench.new_id())
        session.send(quick.line, quick.action, quick.object_id)
        await session.answer(quick.action, quick.object_id)
        is_late = session.has_answered(slow.action, slow.object_id)
        await session.answer(slow.action, slow.object_id)
        await self._kind.undo(slow.object_id)
        names = (f"{request.action} of {request.object_id}" for request in (quick, slow))
        return " to be answered while ".join(names) + " is under way" if is_late else ""

    async def together(self, bench: Bench) -> None:
        """Have several long ones under way."""
        session = await bench.driver()
        for _ in range(TRIES):
            one_s = await self._time(bench, session, 1)
            all_s = await self._time(bench, session, SLOW)
            if all_s < one_s * SLOW * 0.6:
                return
        raise CheckFailedError(
            f"{SLOW} of them in about {one_s:.1f} s, which one takes", f"they took {all_s:.1f} s"
        )

    async def _time(self, bench: Bench, session: Session, count: int) -> float:
        requests = [self._kind.slow(bench.new_id()) for _ in range(count)]
        began = time.monotonic()
        for request in requests:
            session.send(request.line, request.action, request.object_id)
        for request in requests:
            await session.answer(request.action, request.object_id)
        took = time.monotonic() - began
        for request in requests:
            await self._kind.undo(request.object_id)
        return took

    async def cancel_idle(self, bench: Bench) -> None:
        """Give up what is not there; nobody's answer follows, and the object is not spoilt."""
        session = await bench.driver()
        number = bench.new_id()
        session.tell(bench.dialect.cancel(number))
        await asyncio.sleep(PAUSE_S)
        await ask(session, self._kind.plain(number))

    async def cancel(self, bench: Bench) -> None:
        """Give up what is under way, and ask anew."""
        session = await bench.driver()
        slow = await self._begin_slow(bench, session)
        session.tell(bench.dialect.cancel(slow.object_id))
        session.forget(slow.action, slow.object_id)
        began = time.monotonic()
        await ask(session, self._kind.plain(slow.object_id))
        if time.monotonic() - began > 1:
            raise CheckFailedError(
                "the object to be free soon after DRIVER_CANCEL", "it was busy for over 1 s"
            )
        await self._time(bench, session, 1)  # by then what was given up would have been answered
        again = self._kind.slow(slow.object_id)
        await session.ask(again.line, again.action, again.object_id)
        await self._kind.undo(slow.object_id)
