"""Checks of a driver's start and end."""

from __future__ import annotations

import asyncio
from typing import Final

from opennebula_core.testing.conformance.bench import Bench
from opennebula_core.testing.conformance.checks import Check
from opennebula_core.testing.conformance.kinds.kind import PAUSE_S, Kind, ask, tell_together
from opennebula_core.testing.conformance.outcome import CheckFailedError, CheckSkippedError

INIT_BYTES: Final = 31
"""What a core of 6.x reads of the answer to INIT. Source: OpenNebula 6.0 to 7.4."""

AT_ONCE: Final = 10


def starting_checks(kind: Kind) -> list[Check]:
    """Return the checks of a kind's start and end."""
    own = _Starting(kind)
    return [
        Check("start.init", "INIT is answered with INIT SUCCESS, in one short line, and alone", own.init),
        Check("start.stderr", "it works when its error output is closed", own.stderr),
        Check("end.finalize", "at FINALIZE it ends soon, with status 0, and leaves no process", own.finalize),
        Check("end.work", "at FINALIZE it ends soon, too, when it has just been given work", own.work),
        Check("end.input", "at the end of its input it ends soon, and leaves no process", own.input),
        Check("end.slow", "at the end of its input it does not wait for slow work", own.slow),
    ]


class _Starting:
    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    async def init(self, bench: Bench) -> None:
        """Begin without a word, then say little."""
        session = await bench.start(ready=False)
        await asyncio.sleep(PAUSE_S)
        if session.exchange:
            raise CheckFailedError("not a word before INIT", session.exchange[0])
        await session.ready()
        answer = next(line for line in session.exchange if line.startswith("< INIT"))
        if len(answer) - 1 > INIT_BYTES:
            raise CheckFailedError(f"an answer to INIT of under {INIT_BYTES} bytes", answer)
        await asyncio.sleep(PAUSE_S)
        if len(session.exchange) > 2:
            raise CheckFailedError("not a word after INIT", session.exchange[-1])

    async def stderr(self, bench: Bench) -> None:
        """Take part with descriptor 2 closed, as OpenNebula's core starts drivers."""
        session = await bench.start(without_stderr=True)
        await ask(session, self._kind.plain(bench.new_id()))
        await session.finish()

    async def finalize(self, bench: Bench) -> None:
        """Work, then end."""
        session = await bench.start()
        await ask(session, self._kind.plain(bench.new_id()))
        status = await session.finish()
        if status != 0:
            raise CheckFailedError("status 0 after FINALIZE", f"status {status}")

    async def work(self, bench: Bench) -> None:
        """End although there is work in the pipe."""
        session = await bench.start()
        tell_together(session, [self._kind.plain(bench.new_id()) for _ in range(AT_ONCE)])
        await session.finish()

    async def input(self, bench: Bench) -> None:
        """Work, then find nobody there."""
        session = await bench.start()
        await ask(session, self._kind.plain(bench.new_id()))
        await session.finish(finalize=False)

    async def slow(self, bench: Bench) -> None:
        """Be at work when the core goes."""
        request = self._kind.slow(bench.new_id())
        session = await bench.start()
        session.send(request.line, request.action, request.object_id)
        await asyncio.sleep(PAUSE_S)
        if session.has_answered(request.action, request.object_id):
            raise CheckSkippedError("what should take a while does not")
        await session.finish(finalize=False)
        await self._kind.undo(request.object_id)
