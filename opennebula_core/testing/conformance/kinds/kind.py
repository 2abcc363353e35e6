"""What all checks need to know of a kind: requests that do no harm, that fail, that are rubbish."""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from opennebula_core.testing.conformance.bench import Bench
from opennebula_core.testing.conformance.checks import Check
from opennebula_core.testing.conformance.outcome import CheckFailedError, CheckSkippedError
from opennebula_core.testing.conformance.session import Session
from opennebula_core.wire.framing import Answer
from opennebula_core.wire.requests import Request

ENTITIES: Final = (
    '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {n} "{f"&{m};" * 10}">' for m, n in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><b>&i;</b>"
)
"""A document that grows to a gigabyte where entities are believed."""

PAUSE_S: Final = 0.1
"""How long the driver is given to say what it should not."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request as a line, and what has to come of it; ``success`` None: either."""

    line: str
    action: str
    object_id: int
    success: bool | None = None


class Kind(ABC):
    """One kind of driver, on a bench."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.subject = bench.subject
        self._after_kill: list[tuple[str, Callable[[], Awaitable[None]]]] = []

    @abstractmethod
    def plain(self, object_id: int) -> Ask:
        """Return a request that does no harm and is answered soon."""

    @abstractmethod
    def failing(self, object_id: int) -> Ask:
        """Return a request that must fail."""

    @abstractmethod
    def slow(self, object_id: int) -> Ask:
        """Return a request that takes a while.

        :raises CheckSkippedError: none is known
        """

    @abstractmethod
    def damaged(self) -> Sequence[tuple[str, Ask]]:
        """Return requests that make no sense, each with what is wrong."""

    @abstractmethod
    def large(self, object_id: int) -> Ask:
        """Return a request as :meth:`plain` does, of a quarter of a MiB where the kind has room for it."""

    @abstractmethod
    def checks(self) -> Sequence[Check]:
        """Return the checks that only this kind has."""

    async def undo(self, object_id: int) -> None:
        """Remove what a slow request has made; most make nothing that is in the way."""
        return

    def of(self, request: Request, success: bool | None = None) -> Ask:
        """Return a request as a line."""
        line = self.bench.encode(request)
        return Ask(line, self.bench.dialect.wire_action(request), request.object_id, success)

    def damage(self, action: str) -> list[tuple[str, Ask]]:
        """Return requests of an action whose payload in base64 is none."""
        rubbish = {
            "no payload": "",
            "a payload that is no base64": " *not-base64*",
            "a payload that is no document": f" {_base64('such is life')}",
            "a document that lacks everything": f" {_base64('<EMPTY/>')}",
            "a document that is cut off": f" {_base64('<A><HOST>host1</HOST><VM><ID>7</ID>')}",
            "a payload of bytes that are no text": f" {base64.b64encode(bytes(range(256))).decode()}",
        }
        found = []
        for what, payload in rubbish.items():
            object_id = self.bench.new_id()
            line = f"{self.bench.dialect.head(action, object_id)}{payload}"
            found.append((what, Ask(line, action, object_id, success=False)))
        object_id = self.bench.new_id()
        line = f"{self.bench.dialect.head(action, object_id)} {_base64(ENTITIES)}"
        found.append(("a document with entities", Ask(line, action, object_id)))
        return found

    def after_kill(self, what: str, ask: Callable[[], Awaitable[None]]) -> None:
        """Have something asked again once the driver has been killed; one kill serves all."""
        self._after_kill.append((what, ask))

    async def asked_after_kill(self, bench: Bench) -> None:
        """Kill the driver and ask for everything once more: it has all been done already.

        :raises CheckFailedError: some of it fails, or is then not as it was
        """
        if not self._after_kill:
            raise CheckSkippedError("no action that may be repeated has succeeded")
        await bench.killed()
        for what, ask in self._after_kill:
            try:
                await ask()
            except CheckFailedError as failure:
                raise CheckFailedError(f"{what}, after a kill: {failure.expected}", failure.seen) from None
        self._after_kill.clear()

    def needs(self, *actions: str) -> None:
        """Go on only if the driver has these actions.

        :raises CheckSkippedError: it has not
        """
        missing = sorted(set(actions) - self.subject.described_actions)
        if missing:
            raise CheckSkippedError(f"the driver does not declare {', '.join(missing)}")

    def needs_effects(self) -> None:
        """Go on only if what the driver does can be seen.

        :raises CheckSkippedError: it only pretends
        """
        if self.subject.pretends:
            raise CheckSkippedError("the driver only says that it did what it was asked")

    def times(self, action: str) -> int:
        """Return how often an action may be asked for: twice, unless its author says once."""
        return 1 if action in self.subject.unrepeatable else 2

    async def succeed(self, request: Request, what: str = "") -> Answer:
        """Ask the shared driver.

        :raises CheckFailedError: it fails
        """
        answer = await self.bench.ask(request)
        if answer.result != "SUCCESS":
            expected = f"SUCCESS of {request.action}{f' {what}' if what else ''}"
            raise CheckFailedError(expected, f"{answer.result} {answer.info}")
        return answer

    async def succeed_together(self, requests: Sequence[Request]) -> list[Answer]:
        """Ask the shared driver for several things at once, and return the answers in the same order.

        :raises CheckFailedError: one of them fails
        """
        driver, asked = await self.bench.driver(), [self.of(request) for request in requests]
        for each in asked:
            driver.send(each.line, each.action, each.object_id)
        answers = [await driver.answer(each.action, each.object_id) for each in asked]
        for answer in answers:
            if answer.result != "SUCCESS":
                expected = f"SUCCESS of {answer.action}, {len(asked)} at once"
                raise CheckFailedError(expected, f"{answer.result} {answer.info}")
        return answers

    async def fail(self, request: Request, what: str) -> Answer:
        """Ask the shared driver for what cannot be done.

        :raises CheckFailedError: it succeeds, or fails without a reason
        """
        answer = await self.bench.ask(request)
        must_fail(answer, f"{request.action} {what}")
        return answer


def must_fail(answer: Answer, what: str) -> None:
    """Make sure that an answer is a failure with a reason."""
    if answer.result != "FAILURE":
        raise CheckFailedError(f"FAILURE of {what}", f"{answer.result} {answer.info}")
    if answer.info in ("", "-"):
        raise CheckFailedError(f"a reason for the failure of {what}", "none")


async def ask_together(session: Session, requests: Sequence[Ask]) -> None:
    """Write requests at once and hold each answer to what is expected."""
    tell_together(session, requests)
    for request in requests:
        judge(await session.answer(request.action, request.object_id), request)


def tell_together(session: Session, requests: Sequence[Ask]) -> None:
    """Write requests at once; their answers may come."""
    for request in requests:
        session.expect(request.action, request.object_id)
    session.tell(*(request.line for request in requests))


async def ask(session: Session, request: Ask) -> Answer:
    """Ask in a run and hold the answer to what is expected."""
    answer = await session.ask(request.line, request.action, request.object_id)
    judge(answer, request)
    return answer


def judge(answer: Answer, request: Ask) -> None:
    """Hold an answer to what is expected."""
    if request.success is None:
        return
    expected = "SUCCESS" if request.success else "FAILURE"
    if answer.result != expected:
        raise CheckFailedError(
            f"{expected} of {request.action} {request.object_id}", f"{answer.result} {answer.info}"
        )


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
