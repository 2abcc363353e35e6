"""The contract test of authentication drivers.

::

    class TestMine(AuthDriverContract):
        @pytest.fixture
        def driver(self, tmp_path: Path) -> MyDriver:
            return MyDriver(driver_context(tmp_path))

        @pytest.fixture
        def credentials(self) -> Credentials:
            return Credentials(2, "alice", stored="...", secret="what lets her in")

A driver that lets everybody in, such as the dummy, sets ``lets_everybody_in``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final

import pytest

from opennebula_core.contracts.auth import AuthDriver, Credentials
from opennebula_core.errors import DriverError
from opennebula_core.testing.drivers import checked_options, settle

WRONG: Final = {
    "another": "certainly-not-the-secret",
    "empty": "",
    "control characters": "\x00\x01\n\t\x7f",
    "of other scripts": "пароль-密码-🔑",
    "huge": "x" * 100_000,
    "markup": "<!DOCTYPE x [<!ENTITY y 'z'>]>&y;",
    "brackets": "((((((((*)(uid=*))(|(uid=*",
}
"""Secrets that let nobody in."""


class AuthDriverContract:
    """What every authentication driver has to keep; override ``driver`` and ``credentials``."""

    lets_everybody_in: ClassVar[bool] = False

    @pytest.fixture
    def credentials(self) -> Credentials:
        """Return what a user is let in with."""
        return Credentials(2, "alice", "stored", "secret")

    async def refusal(self, driver: AuthDriver, credentials: Credentials) -> str:
        """Return why somebody is refused."""
        with pytest.raises(DriverError) as caught:
            await settle(driver.authenticate(credentials))
        return str(caught.value)

    async def test_who_has_the_secret_is_let_in_and_again(
        self, driver: AuthDriver, credentials: Credentials
    ) -> None:
        """The core may ask twice; his name and what is stored of him are words."""
        for _ in range(2):
            identity = await settle(driver.authenticate(credentials))
            assert len(identity.name.split()) == 1
            assert len((identity.password or "-").split()) == 1
            assert identity.admin_of <= set(identity.group_ids)
        await driver.close()

    @pytest.mark.parametrize("secret", WRONG.values(), ids=WRONG.keys())
    async def test_who_has_another_secret_is_refused(
        self, driver: AuthDriver, credentials: Credentials, secret: str
    ) -> None:
        """Whatever it is made of: the driver answers, and goes on."""
        if not self.lets_everybody_in:
            assert await self.refusal(driver, replace(credentials, secret=secret))
        assert (await settle(driver.authenticate(credentials))).name
        await driver.close()

    async def test_a_secret_that_has_been_changed_is_refused_and_not_repeated(
        self, driver: AuthDriver, credentials: Credentials
    ) -> None:
        """The message ends up in a log."""
        if self.lets_everybody_in:
            return
        for secret in (f"{credentials.secret}x", credentials.secret[:-1], credentials.secret[::-1]):
            said = await self.refusal(driver, replace(credentials, secret=secret))
            assert len(secret) < 4 or secret not in said
        await driver.close()

    async def test_a_secret_lets_nobody_else_in(self, driver: AuthDriver, credentials: Credentials) -> None:
        """What is stored of another user is not what the secret was made for."""
        if self.lets_everybody_in:
            return
        other = replace(credentials, user_id=credentials.user_id + 1, name="mallory", stored="something-else")
        assert await self.refusal(driver, other)
        await driver.close()

    def test_options_have_defaults_of_their_types(self, driver: AuthDriver) -> None:
        """Every driver works without being configured."""
        checked_options(type(driver))
