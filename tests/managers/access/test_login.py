from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from opennebula_core.errors import (
    ActionError,
    AuthenticationError,
    AuthorizationError,
    NotFoundError,
    ParameterError,
    RequestError,
)
from opennebula_core.managers.access.rules import add_rule
from opennebula_core.model.acl import parse_rule
from opennebula_core.testing.cloud import Cloud, running_cloud

ALICE = "alice:pw"


async def _people(cloud: Cloud) -> int:
    """Make alice, of the groups users and dev, and bob; return the id of dev."""
    group_id = await cloud.new("one.group.allocate", "dev")
    await cloud.new("one.user.allocate", "alice", "pw", "", [1, group_id])
    await cloud.new("one.user.allocate", "bob", "pw", "", [1])
    return group_id


async def _login(
    cloud: Cloud, text: str = "", seconds: int = 600, egid: int = -1, session: str = ALICE
) -> str:
    made = await cloud.call("one.user.login", "alice", text, seconds, egid, session=session)
    assert isinstance(made, str)
    return made


async def _who(cloud: Cloud, secret: str) -> str | None:
    """Return the primary group that a secret of alice's stands for, None when it is none."""
    try:
        await cloud.call("one.user.info", -1, session=f"alice:{secret}")
    except AuthenticationError:
        return None
    session = await cloud.daemon.authenticator.authenticate(f"alice:{secret}", "peer")
    return session.group_name


async def _listed(cloud: Cloud, session: str = ALICE) -> list[Element]:
    return (await cloud.document("one.user.info", 2, session=session)).findall("LOGIN_TOKEN")


async def test_a_token_of_the_server_s_is_256_random_bits(front_end: Cloud) -> None:
    await _people(front_end)
    tokens = {await _login(front_end) for _ in range(3)}
    assert len(tokens) == 3
    for token in tokens:
        assert len(bytes.fromhex(token)) == 32
        assert await _who(front_end, token) == "users"


async def test_a_text_of_the_user_s_becomes_the_token(front_end: Cloud) -> None:
    await _people(front_end)
    assert await _login(front_end, "my:own text") == "my:own text"
    assert await _who(front_end, "my:own text") == "users"
    await _login(front_end, "my:own text", seconds=-1)
    assert [token.findtext("EXPIRATION_TIME") for token in await _listed(front_end)] == ["-1"]


async def test_a_token_is_listed_to_its_user_with_expiry_and_group(front_end: Cloud) -> None:
    dev = await _people(front_end)
    before = int(front_end.clock())
    token = await _login(front_end, seconds=100, egid=dev)
    (listed,) = await _listed(front_end)
    assert [(part.tag, part.text) for part in listed] == [
        ("TOKEN", token),
        ("EXPIRATION_TIME", str(before + 100)),
        ("EGID", str(dev)),
    ]
    pool = await front_end.document("one.userpool.info")
    assert pool.findtext("USER[NAME='alice']/LOGIN_TOKEN/TOKEN") == token
    own = await front_end.document("one.userpool.info", session=ALICE)
    assert own.findtext("USER/LOGIN_TOKEN/TOKEN") == token


async def test_who_may_only_use_a_user_sees_no_token(front_end: Cloud) -> None:
    await _people(front_end)
    await front_end.daemon.store.write(lambda tx: add_rule(tx, parse_rule("#3 USER/#2 USE *")))
    await _login(front_end)
    (listed,) = await _listed(front_end, session="bob:pw")
    assert not listed.findtext("TOKEN")
    seen = await front_end.document("one.user.info", 2, session="bob:pw")
    assert seen.find("TEMPLATE/TOKEN_PASSWORD") is None
    pool = await front_end.document("one.userpool.info", session="bob:pw")
    assert pool.findtext("USER[NAME='alice']/LOGIN_TOKEN/TOKEN") == ""


async def test_a_token_ends_when_its_time_is_over(front_end: Cloud) -> None:
    await _people(front_end)
    token = await _login(front_end, seconds=100)
    assert await _who(front_end, token) == "users"
    front_end.clock.advance(101)
    front_end.daemon.authenticator._cache._verified.clear()
    assert await _who(front_end, token) is None
    assert await _listed(front_end) == []


async def test_a_session_by_token_lives_no_longer_than_the_token(front_end: Cloud) -> None:
    await _people(front_end)
    token = await _login(front_end, seconds=1)
    assert await _who(front_end, token) == "users"
    until = time.monotonic() + 10
    while front_end.daemon.authenticator.known(f"alice:{token}") is not None:
        assert time.monotonic() < until
        await asyncio.sleep(0.05)


async def test_one_token_or_all_are_reset_and_sessions_end_with_them(front_end: Cloud) -> None:
    await _people(front_end)
    first, second, third = [await _login(front_end) for _ in range(3)]
    assert [await _who(front_end, token) for token in (first, second)] == ["users", "users"]
    assert await _login(front_end, first, seconds=0) == first
    assert [await _who(front_end, token) for token in (first, second)] == [None, "users"]
    with pytest.raises(ParameterError, match="Could not find token") as caught:
        await _login(front_end, first, seconds=0)
    assert first not in str(caught.value)
    assert await _login(front_end, seconds=0) == ""
    assert [await _who(front_end, token) for token in (second, third)] == [None, None]


async def test_a_user_has_ten_live_tokens_at_most(front_end: Cloud) -> None:
    await _people(front_end)
    first = await _login(front_end, seconds=10)
    for _ in range(9):
        await _login(front_end, seconds=1000)
    with pytest.raises(ParameterError, match="Max number of tokens limit reached"):
        await _login(front_end)
    assert await _login(front_end, first, seconds=20) == first
    front_end.clock.advance(30)
    await _login(front_end)
    with pytest.raises(ParameterError, match="Max number"):
        await _login(front_end)


@pytest.mark.parametrize("seconds", [-2, -(2**31)])
async def test_a_period_that_is_none_is_refused(front_end: Cloud, seconds: int) -> None:
    await _people(front_end)
    with pytest.raises(ParameterError, match="Wrong valid period"):
        await _login(front_end, seconds=seconds)


async def test_texts_that_no_file_or_document_holds_are_refused(front_end: Cloud) -> None:
    await _people(front_end)
    for text in ("a\nb", "x" * 12_289, "tab\there", "a]]>b"):
        with pytest.raises(ParameterError, match="Wrong token"):
            await _login(front_end, text)


async def test_only_the_user_and_who_manages_him_make_tokens(front_end: Cloud) -> None:
    await _people(front_end)
    with pytest.raises(AuthorizationError, match="MANAGE USER"):
        await _login(front_end, session="bob:pw")
    assert await _who(front_end, await _login(front_end, session="oneadmin:secret")) == "users"
    with pytest.raises(NotFoundError, match=r"Error getting user \[nobody\]"):
        await front_end.call("one.user.login", "nobody", "", 60)


async def test_a_group_s_admin_makes_no_token_of_an_administrator(front_end: Cloud) -> None:
    dev = await _people(front_end)
    await front_end.call("one.group.addadmin", dev, 2)
    carol = await front_end.new("one.user.allocate", "carol", "pw", "", [dev])
    await front_end.call("one.user.login", "carol", "", 60, session=ALICE)
    await front_end.call("one.user.addgroup", carol, 0)
    for method, given in (("login", ("carol", "", 60)), ("passwd", (carol, "mine"))):
        with pytest.raises(AuthorizationError, match="Not authorized to perform MANAGE USER"):
            await front_end.call(f"one.user.{method}", *given, session=ALICE)


async def test_a_token_of_one_group_is_of_that_group_alone(front_end: Cloud) -> None:
    dev = await _people(front_end)
    token = await _login(front_end, egid=dev)
    assert await _who(front_end, token) == "dev"
    session = await front_end.daemon.authenticator.authenticate(f"alice:{token}", "peer")
    assert session.group_ids == {dev}
    with pytest.raises(ParameterError, match="EGID 0 is not in user group list"):
        await _login(front_end, egid=0)
    await front_end.call("one.user.delgroup", 2, dev)
    assert await _who(front_end, token) is None


async def test_a_token_of_one_group_gets_no_further(front_end: Cloud) -> None:
    dev = await _people(front_end)
    full, bound = await _login(front_end), await _login(front_end, egid=dev)
    session = f"alice:{bound}"
    for egid in (-1, 1):
        with pytest.raises(AuthorizationError):
            await _login(front_end, egid=egid, session=session)
    assert await _who(front_end, await _login(front_end, egid=dev, session=session)) == "dev"
    with pytest.raises(AuthorizationError, match="a token of one group"):
        await front_end.call("one.user.passwd", 2, "other", session=session)
    shown = await front_end.document("one.user.info", -1, session=session)
    assert full not in str([part.text for part in shown.iter()])
    assert not shown.findtext("PASSWORD")


async def test_password_chauth_and_disabling_end_sessions_at_once(front_end: Cloud) -> None:
    await _people(front_end)
    for method, given in (("passwd", (2, "new")), ("chauth", (2, "core", "pw")), ("enable", (2, False))):
        token = await _login(front_end, session="oneadmin:secret")
        assert await _who(front_end, token) == "users"
        await front_end.call(f"one.user.{method}", *given)
        assert front_end.daemon.authenticator.known(f"alice:{token}") is None
    with pytest.raises(RequestError):
        await front_end.call("one.user.info", -1, session=f"alice:{token}")


async def test_a_driver_s_setting_limits_the_life_of_tokens(tmp_path: Path) -> None:
    settings = "[drivers.auth.core]\nmax_token_time_s = 100\n[drivers.auth.public]\nmax_token_time_s = 0\n"
    async with running_cloud(tmp_path, settings=settings) as cloud:
        await _people(cloud)
        for seconds in (-1, 5000):
            await _login(cloud, seconds=seconds)
        expected = str(int(cloud.clock()) + 100)
        assert [token.findtext("EXPIRATION_TIME") for token in await _listed(cloud)] == [expected] * 2
        await cloud.call("one.user.chauth", 2, "public", "x")
        with pytest.raises(ActionError, match="Login tokens are disabled"):
            await _login(cloud, session="oneadmin:secret")
        await _login(cloud, seconds=0, session="oneadmin:secret")


async def test_tokens_survive_a_restart_and_a_lost_key_voids_them_aloud(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_cloud(tmp_path) as cloud:
        await _people(cloud)
        token = await _login(cloud, seconds=-1)
        key_file = cloud.daemon.location.token_key_file
    assert key_file.stat().st_mode & 0o777 == 0o600
    async with running_cloud(tmp_path) as cloud:
        assert await _who(cloud, token) == "users"
    kept = key_file.read_bytes()
    key_file.unlink()
    async with running_cloud(tmp_path) as cloud:
        assert "login tokens: 1 are void" in caplog.text
        assert await _who(cloud, token) is None
        assert await _listed(cloud) == []
        assert await _who(cloud, "pw") == "users"
        for _ in range(10):
            await _login(cloud)
    key_file.write_bytes(kept)
    async with running_cloud(tmp_path) as cloud:
        assert await _who(cloud, token) == "users"


async def test_neither_database_nor_logs_hold_a_token(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with running_cloud(tmp_path) as cloud:
        await _people(cloud)
        token = await _login(cloud, seconds=-1)
        await _who(cloud, token)
        database, key = cloud.daemon.config.database_file, cloud.daemon.location.token_key_file.read_text()
        with closing(sqlite3.connect(database)) as connection:
            dump = "\n".join(connection.iterdump())
    assert "login_token" in dump
    for secret in (token, key.strip()):
        assert secret not in dump
        assert secret not in caplog.text


async def test_the_tokens_of_a_removed_user_go_with_him(front_end: Cloud) -> None:
    await _people(front_end)
    await _login(front_end)
    await front_end.call("one.user.delete", 2)
    count = front_end.daemon.store.read(lambda tx: tx.value("SELECT COUNT(*) FROM login_token"))
    assert count == 0
