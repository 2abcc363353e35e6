"""What is asked of virtualisation drivers, and how a guest is found afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from opennebula_core.testing.conformance.kinds.guests import TestGuest
from opennebula_core.testing.conformance.kinds.kind import Ask, Kind
from opennebula_core.testing.conformance.outcome import CheckFailedError
from opennebula_core.wire.framing import Answer
from opennebula_core.wire.requests import VmmRequest

RUNNING: Final = "a"
GONE: Final = "d"
LARGE: Final = 256 * 1024


class VmmRequests(Kind):
    """Virtualisation drivers, without their checks."""

    def plain(self, object_id: int) -> Ask:
        """Look at a guest that is not there, or end it once more."""
        action = "POLL" if "POLL" in self.subject.described_actions else "CANCEL"
        return self.of(self.guest(object_id).request(action), success=True)

    def failing(self, object_id: int) -> Ask:
        """Deploy without a description."""
        return self.of(self.guest(object_id).without_description(), success=False)

    def slow(self, object_id: int) -> Ask:
        """Deploy slowly."""
        slow = self.bench.slow_down(object_id, "DEPLOY")
        return self.of(replace(self.guest(object_id), slow=slow).request("DEPLOY"))

    def damaged(self) -> Sequence[tuple[str, Ask]]:
        """Deploy nonsense."""
        return self.damage("DEPLOY")

    def large(self, object_id: int) -> Ask:
        """Look at a guest with a long description."""
        guest = replace(self.guest(object_id), slow=f'DESCRIPTION = "{"long " * (LARGE // 5)}"')
        action = "POLL" if "POLL" in self.subject.described_actions else "CANCEL"
        return self.of(guest.request(action), success=True)

    async def undo(self, object_id: int) -> None:
        """End the guest."""
        await self.end(self.guest(object_id))

    def guest(self, object_id: int = 0) -> TestGuest:
        """Return a guest that was never deployed."""
        return TestGuest(self.bench, object_id or self.bench.new_id())

    async def end(self, guest: TestGuest) -> None:
        """End a guest wherever it is; what fails is no matter here."""
        with suppress(CheckFailedError):
            await self.bench.ask(guest.request("CANCEL"))
            if "MIGRATE" in self.subject.described_actions:
                await self.bench.ask(guest.elsewhere("CANCEL"))

    async def state(self, guest: TestGuest, *, elsewhere: bool = False) -> str:
        """Return the letter that POLL says of a guest; empty when the driver has no POLL."""
        if "POLL" not in self.subject.described_actions:
            return ""
        answer = await self.succeed(guest.elsewhere("POLL") if elsewhere else guest.request("POLL"))
        letters = [word[6:] for word in answer.info.split() if word.startswith("STATE=")]
        if len(letters) != 1 or letters[0] not in tuple("aped-cu"):
            raise CheckFailedError("POLL to say STATE=a, p, e, d or -", answer.info)
        return letters[0]

    async def must_be(self, guest: TestGuest, state: str, when: str, *, elsewhere: bool = False) -> None:
        """Hold a guest's state to what it has to be; ``-`` counts as gone, too."""
        found = await self.state(guest, elsewhere=elsewhere)
        if found and found != state and not (state == GONE and found == "-"):
            where = " on the other host" if elsewhere else ""
            raise CheckFailedError(f"STATE={state}{where} after {when}", f"STATE={found}")

    async def must_not_run(self, guest: TestGuest, when: str) -> None:
        """Make sure that a guest does not run."""
        if await self.state(guest) == RUNNING:
            raise CheckFailedError(f"no running guest after {when}", "STATE=a")

    async def deployed(self, attempt: int = 1, guest: TestGuest | None = None) -> TestGuest:
        """Deploy a guest and return it with its deploy id."""
        guest = guest or self.guest()
        answer = await self.succeed(guest.request("DEPLOY", attempt=attempt))
        return guest.named(one_word(answer, "the deploy id"))

    async def repeat(self, request: VmmRequest, guest: TestGuest, state: str) -> None:
        """Ask again, see what the guest is then, and end it; see :meth:`twice_more`."""

        async def again() -> None:
            await self.succeed(replace(request, attempt=2), "asked again")
            await self.must_be(guest, state, f"{request.action} asked again")

        await self.twice_more(request.action, guest, again)

    async def twice_more(self, action: str, guest: TestGuest, again: Callable[[], Awaitable[None]]) -> None:
        """Do ``again`` now, and when the driver has been killed: it has all been done already; end the guest.

        A driver that may be asked for the action only once is not asked again.
        """
        if self.times(action) == 1:
            await self.end(guest)
            return
        await again()

        async def once_more() -> None:
            await again()
            await self.end(guest)

        self.after_kill(action, once_more)


def one_word(answer: Answer, what: str) -> str:
    """Return the one word that an answer has to say."""
    words = answer.info.split()
    if len(words) != 1 or words == ["-"]:
        raise CheckFailedError(f"{what}, one word", repr(answer.info))
    return words[0]
