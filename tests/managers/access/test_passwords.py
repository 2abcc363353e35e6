from __future__ import annotations

import pytest

from opennebula_core.errors import AuthenticationError, InternalError
from opennebula_core.testing.cloud import Cloud


async def _shown(cloud: Cloud) -> str:
    return (await cloud.document("one.user.info", 2)).findtext("PASSWORD", "")


async def _alice(cloud: Cloud, password: str = "pw", driver: str = "") -> None:
    await cloud.new("one.user.allocate", "alice", password, driver, [])


async def test_an_empty_driver_is_core_whose_passwords_are_hashed(front_end: Cloud) -> None:
    await _alice(front_end)
    await front_end.call("one.user.chauth", 2, "", "new")
    assert (await _shown(front_end)).startswith("scrypt$")
    await front_end.call("one.user.info", -1, session="alice:new")


async def test_what_is_no_hash_does_not_become_a_password(front_end: Cloud) -> None:
    await _alice(front_end, "some key", "ssh")
    with pytest.raises(InternalError, match="the driver core needs one"):
        await front_end.call("one.user.chauth", 2, "core", "")
    with pytest.raises(AuthenticationError):
        await front_end.call("one.user.info", -1, session="alice:some key")


async def test_another_driver_keeps_the_password_until_it_is_core_again(front_end: Cloud) -> None:
    await _alice(front_end)
    await front_end.call("one.user.chauth", 2, "public", "")
    with pytest.raises(AuthenticationError):
        await front_end.call("one.user.info", -1, session="alice:pw")
    await front_end.call("one.user.chauth", 2, "core", "")
    await front_end.call("one.user.info", -1, session="alice:pw")


async def test_blanks_of_a_certificate_s_subject_are_left_out(front_end: Cloud) -> None:
    await _alice(front_end, "/CN=Alice Smith", "x509")
    assert await _shown(front_end) == "/CN=AliceSmith"


async def test_a_password_that_no_document_holds_is_refused(front_end: Cloud) -> None:
    with pytest.raises(InternalError, match="Invalid PASSWORD"):
        await _alice(front_end, "x" * 20_000, "ssh")
    with pytest.raises(InternalError, match="cannot be empty"):
        await _alice(front_end, "")


async def test_a_user_gets_a_random_token_password_that_an_update_keeps(front_end: Cloud) -> None:
    await _alice(front_end)
    made = (await front_end.document("one.user.info", 2)).findtext("TEMPLATE/TOKEN_PASSWORD", "")
    assert len(bytes.fromhex(made)) == 32
    await front_end.call("one.user.update", 2, 'EMAIL="a@example.org"', 0)
    kept = await front_end.document("one.user.info", 2)
    assert kept.findtext("TEMPLATE/TOKEN_PASSWORD") == made
