from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opennebula_core.contracts.auth import AuthDriver, Credentials, Identity
from opennebula_core.errors import DriverError
from opennebula_core.wire.dialects.auth import AuthDialect
from opennebula_core.wire.requests import AuthRequest
from opennebula_core.wire.services.auth import AuthService

Serve = Callable[..., Any]


class Door(AuthDriver):
    async def authenticate(self, credentials: Credentials) -> Identity:
        if credentials.secret != "open sesame":
            raise DriverError("Invalid credentials")
        if credentials.name == "carol":
            return Identity("carol", "", (100, 1), frozenset({1}))
        return Identity(credentials.name, "hash", (100, 1))


@pytest.fixture
def driven(serve: Serve, classes: dict[tuple[str, str], type]) -> Any:
    classes["auth", "door"] = Door
    return serve(AuthService, "door")


def line(user_id: int, secret: str, driver: str = "door") -> str:
    return AuthDialect().encode(AuthRequest(3, user_id, driver, "bob", "-", secret))


async def test_a_known_user_is_let_in(driven: Any) -> None:
    assert await driven.ask(line(2, "open sesame")) == "AUTHENTICATE SUCCESS 3 -"


async def test_an_unknown_user_is_described(driven: Any) -> None:
    assert await driven.ask(line(-1, "open sesame")) == "AUTHENTICATE SUCCESS 3 door bob hash 100 1"


async def test_an_admin_of_a_group_is_marked_and_nothing_to_keep_is_a_dash(driven: Any) -> None:
    request = line(-1, "open sesame").replace("bob", "carol")

    assert await driven.ask(request) == "AUTHENTICATE SUCCESS 3 door carol - 100 *1"


async def test_wrong_credentials_are_refused(driven: Any) -> None:
    assert await driven.ask(line(2, "open barley")) == "AUTHENTICATE FAILURE 3 Invalid credentials"


async def test_a_driver_that_is_missing_is_named(driven: Any) -> None:
    answer = await driven.ask(line(2, "x", "nosuch"))

    assert answer.startswith("AUTHENTICATE FAILURE 3 Authentication driver 'nosuch' not available")


@pytest.mark.parametrize(
    "request_line",
    ["AUTHENTICATE 3 1 door bob -", "AUTHENTICATE 3 1 door bob - !!", "AUTHENTICATE 3 x door bob - eA=="],
)
async def test_a_damaged_request_is_answered_without_the_secret(request_line: str, driven: Any) -> None:
    answer = await driven.ask(request_line)

    assert answer.startswith("AUTHENTICATE FAILURE 3 AUTHENTICATE")
    assert "eA==" not in answer


async def test_authorize_follows_the_core_s_own_rules(driven: Any) -> None:
    assert await driven.ask("AUTHORIZE  4 1 VM:7:MANAGE:1:0:0 1") == "AUTHORIZE SUCCESS 4 -"
    assert await driven.ask("AUTHORIZE  5 1 VM:7:MANAGE:1:0:0 HOST:3:USE:0:0:0 0") == "AUTHORIZE FAILURE 5 -"
