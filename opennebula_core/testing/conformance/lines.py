"""Checks of what a driver makes of its input, sound or not."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Final

from opennebula_core.testing.conformance.bench import Bench
from opennebula_core.testing.conformance.checks import Check
from opennebula_core.testing.conformance.kinds.kind import PAUSE_S, Kind, ask, ask_together, judge
from opennebula_core.testing.conformance.outcome import CheckFailedError
from opennebula_core.testing.conformance.session import Session

PIECE_S: Final = 0.03
UNKNOWN: Final = "FROBNICATE"
RUBBISH: Final = random.Random(1024).randbytes(1024).translate(None, b"\n0123456789")
"""Bytes that are no request: without digits no chance makes a word and a number of them."""


def line_checks(kind: Kind) -> list[Check]:
    """Return the checks of a kind's input."""
    own = _Lines(kind)
    return [
        Check("lines.blanks", "one blank or two behind the action make no difference", own.blanks),
        Check("lines.pieces", "a line may come in pieces, and several may come at once", own.pieces),
        Check("lines.unknown", "an action that it does not know does not succeed, nor hurt", own.unknown),
        Check("lines.empty", "lines without words, or without a number, do not hurt", own.empty),
        Check("lines.binary", "bytes that are no text do not hurt", own.binary),
        Check("lines.damaged", "a request that makes no sense fails, with its own id", own.damaged),
        Check("lines.large", "a request of a quarter of a MiB is like any other", own.large),
    ]


class _Lines:
    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    async def _goes_on(self, session: Session, bench: Bench) -> None:
        try:
            await ask(session, self._kind.plain(bench.new_id()))
        except CheckFailedError as failure:
            raise CheckFailedError(f"that it goes on: {failure.expected}", failure.seen) from None

    async def blanks(self, bench: Bench) -> None:
        """Ask as releases before and after 6.0 do."""
        session = await bench.driver()
        for blanks in (" ", "  "):
            request = self._kind.plain(bench.new_id())
            head, rest = request.line.split(None, 1)
            await ask(session, replace(request, line=head + blanks + rest))

    async def pieces(self, bench: Bench) -> None:
        """Write a line slowly, then several together."""
        session = await bench.driver()
        slowly = self._kind.plain(bench.new_id())
        session.expect(slowly.action, slowly.object_id)
        session.exchange.append(f"> {slowly.line[:80]} (in pieces)")
        data = f"{slowly.line}\n".encode()
        cut = min(len(slowly.action) + 3, len(data) - 1)
        for part in (data[:3], data[3:cut], data[cut:-1], data[-1:]):
            session.write(part)
            await asyncio.sleep(PIECE_S)
        judge(await session.answer(slowly.action, slowly.object_id), slowly)
        await ask_together(session, [self._kind.plain(bench.new_id()) for _ in range(3)])

    async def unknown(self, bench: Bench) -> None:
        """Ask for what nobody knows; a driver may be silent or fail, as OpenNebula's do."""
        session = await bench.driver()
        number = bench.new_id()
        session.send(f"{UNKNOWN} {number} eA==", UNKNOWN, number)
        await asyncio.sleep(PAUSE_S)
        await self._goes_on(session, bench)
        if session.has_answered(UNKNOWN, number):
            answer = await session.answer(UNKNOWN, number)
            if answer.result == "SUCCESS":
                raise CheckFailedError(f"FAILURE of {UNKNOWN}, or silence", f"SUCCESS {answer.info}")
        session.forget(UNKNOWN, number)

    async def empty(self, bench: Bench) -> None:
        """Write lines that ask for nothing; FAILURE of nobody's is tolerated, as is silence."""
        session = await bench.driver()
        action = self._kind.plain(bench.new_id()).action
        for _ in range(3):
            session.expect(action, -1)
        session.tell("", "   ", "\t", action, f"{action} ", f"{action} seven eA==", "\r")
        await asyncio.sleep(PAUSE_S)
        await self._goes_on(session, bench)
        session.forget_all(action, -1)

    async def binary(self, bench: Bench) -> None:
        """Write rubbish."""
        session = await bench.driver()
        session.exchange.append("> (1 KiB of rubbish)")
        session.write(bytes(range(128, 256)) + b"\n\x00\x01\x02 \x00\n" + RUBBISH)
        session.write(b"\n\xff\xfe \xc3\x28\n")
        await asyncio.sleep(PAUSE_S)
        await self._goes_on(session, bench)

    async def damaged(self, bench: Bench) -> None:
        """Ask for nonsense of all sorts."""
        session = await bench.driver()
        for what, request in self._kind.damaged():
            try:
                answer = await ask(session, request)
            except CheckFailedError as failure:
                raise CheckFailedError(f"{failure.expected} with {what}", failure.seen) from None
            if answer.result == "FAILURE" and answer.info in ("", "-"):
                raise CheckFailedError(f"a reason for the failure of {request.action} with {what}", "none")
        await self._goes_on(session, bench)

    async def large(self, bench: Bench) -> None:
        """Ask at length."""
        await ask(await bench.driver(), self._kind.large(bench.new_id()))
