"""Checks of authentication drivers: who is let in, who is not, and what is said about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from opennebula_core.testing.conformance.bench import Bench
from opennebula_core.testing.conformance.checks import Check
from opennebula_core.testing.conformance.kinds.kind import Ask, Kind
from opennebula_core.testing.conformance.outcome import CheckFailedError, CheckSkippedError
from opennebula_core.wire.requests import AuthRequest

USER_ID: Final = 2
WRONG: Final = "certainly-not-the-secret"
LARGE: Final = 192 * 1024
ROUNDS: Final = 20


class AuthKind(Kind):
    """Authentication drivers."""

    def plain(self, object_id: int) -> Ask:
        """Show the right secret if there is one, else a wrong one."""
        login = self.subject.login
        success = True if login.secret else (None if self.subject.pretends else False)
        return self.of(self.request(object_id, login.secret or WRONG), success)

    def failing(self, object_id: int) -> Ask:
        """Show a wrong secret; where there is none, a damaged one."""
        if not self.subject.pretends:
            return self.of(self.request(object_id, WRONG), success=False)
        return self._odd(object_id, "*not-base64*")

    def slow(self, object_id: int) -> Ask:
        """Log in slowly."""
        name = self.bench.slow_down(object_id, "AUTHENTICATE")
        return self.of(
            self.request(object_id, self.subject.login.secret or WRONG, user=name, user_id=object_id)
        )

    def damaged(self) -> Sequence[tuple[str, Ask]]:
        """Show nonsense."""
        return [
            ("a secret that is no base64", self._odd(self.bench.new_id(), "*not-base64*")),
            ("a secret of bytes that are no text", self._odd(self.bench.new_id(), "/////w==")),
            ("words missing", self._odd(self.bench.new_id(), "")),
        ]

    def _odd(self, number: int, secret: str) -> Ask:
        head = self.bench.dialect.head("AUTHENTICATE", number)
        words = f"{USER_ID} {self.subject.name} {self.subject.login.user} {self.subject.login.stored}"
        return Ask(f"{head} {words if secret else USER_ID} {secret}", "AUTHENTICATE", number, success=False)

    def large(self, object_id: int) -> Ask:
        """Show a long secret."""
        success = None if self.subject.pretends else False
        return self.of(self.request(object_id, "x" * LARGE), success)

    def request(
        self, number: int, secret: str, *, user: str = "", stored: str = "", user_id: int = USER_ID
    ) -> AuthRequest:
        """Return a request to let somebody in."""
        login = self.subject.login
        return AuthRequest(
            number, user_id, self.subject.name, user or login.user, stored or login.stored, secret
        )

    def checks(self) -> Sequence[Check]:
        """Return the checks."""
        return [
            Check("action.AUTHENTICATE", "who has the secret is let in, asked once or again", self.right),
            Check("action.wrong", "who has another secret is refused, and it is not repeated", self.wrong),
            Check("action.others", "a secret lets nobody else in", self.others),
            Check(
                "action.strangers", "of who is not known yet it says the name, or refuses him", self.strangers
            ),
            Check("action.together", "of many at once the right ones are let in", self.together),
        ]

    async def right(self, bench: Bench) -> None:
        """Show the right secret, again, and after a kill."""
        secret = self._secret()

        async def show() -> None:
            await self.succeed(self.request(bench.new_id(), secret))

        for _ in range(2):
            await show()
        self.after_kill("AUTHENTICATE", show)

    def _secret(self) -> str:
        if not self.subject.login.secret:
            raise CheckSkippedError("no login is known; say one under [login] in the file of --file")
        return self.subject.login.secret

    async def wrong(self, bench: Bench) -> None:
        """Show other secrets."""
        self.needs_effects()
        right = self.subject.login.secret
        others = [right + "x", right[:-1], right[::-1], right.swapcase()] if len(right) > 1 else []
        for secret in [WRONG, "", *(each for each in others if each != right)]:
            answer = await self.fail(self.request(bench.new_id(), secret), f"with {secret[:20]!r}")
            if len(secret) > 3 and secret in answer.info:
                raise CheckFailedError("a reason without the secret, for logs", answer.info)

    async def others(self, bench: Bench) -> None:
        """Show the secret as another user."""
        self.needs_effects()
        secret = self._secret()
        request = self.request(
            bench.new_id(), secret, user="mallory", stored="something-else", user_id=USER_ID + 1
        )
        await self.fail(request, "of another user with the same secret")

    async def strangers(self, bench: Bench) -> None:
        """Be a user that the core does not know."""
        secret = self._secret()
        answer = await bench.ask(self.request(bench.new_id(), secret, stored="-", user_id=-1))
        words = answer.info.split()
        numbers = [word.removeprefix("*") for word in words[3:]]
        if answer.result == "SUCCESS" and (len(words) < 3 or not all(each.isdecimal() for each in numbers)):
            raise CheckFailedError("DRIVER NAME PASSWORD [GROUP_ID...] of who is not known yet", answer.info)

    async def together(self, bench: Bench) -> None:
        """Show right and wrong secrets by turns, all at once."""
        self.needs_effects()
        secret, driver = self._secret(), await bench.driver()
        asked = {bench.new_id(): turn % 2 == 0 for turn in range(ROUNDS)}
        for number, is_right in asked.items():
            line = bench.encode(self.request(number, secret if is_right else WRONG))
            driver.send(line, "AUTHENTICATE", number)
        for number, is_right in asked.items():
            answer = await driver.answer("AUTHENTICATE", number)
            if (answer.result == "SUCCESS") != is_right:
                raise CheckFailedError("its own result for each", f"{answer.result} for request {number}")
