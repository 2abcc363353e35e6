from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median

import pytest

from opennebula_core.api.authentication import Authenticator
from opennebula_core.client.server_user import server_token
from opennebula_core.contracts.method import Session
from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.errors import AuthenticationError, DriverTimeoutError
from opennebula_core.managers.access.tokens import LoginToken
from opennebula_core.model.objects import Group, User
from opennebula_core.model.passwords import Cost, hash_password
from opennebula_core.wire.requests import AuthRequest, Reply

from .conftest import ADMIN, ALICE, CHEAP


@dataclass
class Drivers:
    """The auth driver of this test: one secret is right, another takes too long."""

    asked: list[AuthRequest] = field(default_factory=list)

    async def request(self, kind: str, name: str, request: AuthRequest, *, timeout: timedelta) -> Reply:
        assert timeout <= timedelta(minutes=2)
        assert (kind, name) == ("auth", "ldap")
        self.asked.append(request)
        if request.secret == "slow":
            raise DriverTimeoutError("no answer in 30 s")
        return Reply(request.secret == "right", "")


def look_up(_snapshot: Snapshot, user_id: int, secret: str) -> LoginToken | None:
    return LoginToken(-1 if user_id == 2 else 100, 60.0) if secret == "t0ken" else None


@pytest.fixture
def drivers() -> Drivers:
    return Drivers()


@pytest.fixture
async def door(store: Store, drivers: Drivers) -> AsyncIterator[Authenticator]:
    authenticator = Authenticator(store, drivers=drivers, token_lookup=look_up, cost=CHEAP)
    yield authenticator
    authenticator.close()


def edit(store: Store, name: str, **values: object) -> None:
    def work(tx: Transaction) -> None:
        user = tx.users.find_by_name(name)
        assert user is not None
        for key, value in values.items():
            setattr(user, key, value)
        tx.users.save(user)

    store.write_now(work)


async def refused(door: Authenticator, text: str) -> bool:
    try:
        await door.authenticate(text, "peer")
    except AuthenticationError as error:
        return str(error).startswith("User couldn't be authenticated, aborting call.")
    return False


async def test_a_right_password_gives_the_user_s_session(door: Authenticator) -> None:
    assert await door.authenticate(ALICE, "peer") == Session(2, "alice", 1, "users", frozenset({1}), 0o177)
    assert (await door.authenticate(ADMIN, "peer")).is_admin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        ":",
        "alice:",
        ":wonder",
        "alice:wrong",
        "nobody:wonder",
        "Alice:wonder",
        "alice:" + "x" * 20000,
    ],
)
async def test_anything_else_is_refused(door: Authenticator, text: str) -> None:
    assert await refused(door, text)


async def test_the_stored_hash_is_no_password(door: Authenticator, store: Store) -> None:
    alice = store.read(lambda snapshot: snapshot.users.find_by_name("alice"))
    assert alice is not None
    assert await refused(door, f"alice:{alice.password}")


async def test_a_password_may_hold_colons(door: Authenticator, store: Store) -> None:
    edit(store, "alice", password=hash_password("a:b:c", CHEAP))
    assert (await door.authenticate("alice:a:b:c", "peer")).user_id == 2


async def test_a_verified_session_is_known_until_its_user_changes(door: Authenticator, store: Store) -> None:
    assert door.known(ALICE) is None
    session = await door.authenticate(ALICE, "peer")
    assert door.known(ALICE) is session
    edit(store, "alice", password=hash_password("new", CHEAP))
    assert door.known(ALICE) is None
    assert await refused(door, ALICE)


async def test_a_disabled_user_is_refused_at_once(door: Authenticator, store: Store) -> None:
    await door.authenticate(ALICE, "peer")
    edit(store, "alice", enabled=False)
    assert door.known(ALICE) is None
    assert await refused(door, ALICE)


async def test_the_umask_of_the_user_s_template_counts(door: Authenticator, store: Store) -> None:
    def work(tx: Transaction) -> None:
        user = tx.users.get(2)
        user.template.set("UMASK", "137")
        tx.users.save(user)

    store.write_now(work)
    assert (await door.authenticate(ALICE, "peer")).umask == 0o137


async def test_the_same_text_at_the_same_time_is_hashed_once(
    door: Authenticator, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    verify = door._passwords.is_right

    async def counted(stored: str, secret: str, *, was_right: bool) -> bool:
        hashed.append(secret)
        return await verify(stored, secret, was_right=was_right)

    monkeypatch.setattr(door._passwords, "is_right", counted)
    sessions = await asyncio.gather(*(door.authenticate(ALICE, "peer") for _ in range(20)))
    assert len(set(map(id, sessions))) == 1
    assert hashed == ["wonder"]


async def test_hashing_does_not_hold_up_the_event_loop(store: Store) -> None:
    door = Authenticator(store)
    edit(store, "alice", password=hash_password("wonder"))
    login = asyncio.create_task(door.authenticate(ALICE, "peer"))
    longest_s = 0.0
    while not login.done():
        started = time.perf_counter()
        await asyncio.sleep(0)
        longest_s = max(longest_s, time.perf_counter() - started)
    assert (await login).user_id == 2
    assert longest_s < 0.1
    door.close()


async def test_an_unknown_user_takes_as_long_as_a_wrong_password(store: Store) -> None:
    cost = Cost(n=1 << 12, r=8, p=1)
    door = Authenticator(store, cost=cost)
    edit(store, "alice", password=hash_password("wonder", cost))

    async def taken_s(text: str, attempt: int) -> float:
        started = time.perf_counter()
        with pytest.raises(AuthenticationError):
            await door.authenticate(text, f"peer {attempt}")
        return time.perf_counter() - started

    known = median([await taken_s("alice:wrong", attempt) for attempt in range(9)])
    unknown = median([await taken_s("nobody:wrong", attempt) for attempt in range(9)])
    assert 0.3 < known / unknown < 3
    door.close()


async def test_guessing_slows_down_but_not_who_is_in_already(door: Authenticator) -> None:
    await door.authenticate(ALICE, "peer")
    for _ in range(3):
        assert await refused(door, "alice:wrong")
    started = time.perf_counter()
    assert await refused(door, "alice:wrong")
    assert time.perf_counter() - started > 0.4
    with pytest.raises(AuthenticationError, match=r"next login of this user .* takes 2 s longer"):
        await door.authenticate("alice:wrong", "peer")
    assert door.known(ALICE) is not None


async def test_a_flood_of_guesses_is_refused_unheard(door: Authenticator) -> None:
    for _ in range(20):
        door._failed.failed("alice", "peer")
    for _ in range(6):
        door._failed.turn_in_s("alice", "peer")
    started = time.perf_counter()
    with pytest.raises(AuthenticationError, match=r"Too many logins .*; wait \d+ s"):
        await door.authenticate(ALICE, "peer")
    assert time.perf_counter() - started < 10


async def test_a_server_user_calls_in_the_name_of_others(door: Authenticator, store: Store) -> None:
    good = server_token("serveradmin", "opensesame", "alice", int(time.time()) + 60)
    assert (await door.authenticate(good, "peer")).user_name == "alice"
    assert door.known(good) is not None
    edit(store, "serveradmin", password="0" * 64)
    assert door.known(good) is None
    assert await refused(door, good)


@pytest.mark.parametrize("target", ["nobody", ""])
async def test_a_server_user_cannot_call_for_who_does_not_exist(door: Authenticator, target: str) -> None:
    assert await refused(door, server_token("serveradmin", "opensesame", target, int(time.time()) + 60))


async def test_a_server_user_s_password_alone_does_not_get_in(door: Authenticator) -> None:
    assert await refused(door, "serveradmin:opensesame")


async def test_a_server_user_may_narrow_the_groups(door: Authenticator, store: Store) -> None:
    store.write_now(lambda tx: tx.groups.allocate(Group(100, "guests")))
    edit(store, "alice", group_ids=[1, 100])
    name, target, token = server_token("serveradmin", "opensesame", "alice", int(time.time()) + 60).split(":")
    session = await door.authenticate(f"{name}:{target}:100:{token}", "peer")
    assert session == Session(2, "alice", 100, "guests", frozenset({100}), 0o177, is_bound=True)
    assert await refused(door, f"{name}:{target}:0:{token}")


async def test_a_token_stands_for_the_password(door: Authenticator, store: Store) -> None:
    assert (await door.authenticate("alice:t0ken", "peer")).group_ids == {1}
    store.write_now(lambda tx: tx.groups.allocate(Group(100, "guests")))
    assert await refused(door, "bob:t0ken")
    edit(store, "bob", group_ids=[1, 100])
    session = await door.authenticate("bob:t0ken", "peer")
    assert session.group_ids == {100}
    assert session.is_bound
    edit(store, "bob", group_ids=[1])
    assert await refused(door, "bob:t0ken")


async def test_users_of_another_driver_are_asked_about_there(
    door: Authenticator, store: Store, drivers: Drivers
) -> None:
    def work(tx: Transaction) -> None:
        tx.users.allocate(
            User(7, "lena", gid=1, gname="users", password="cn=lena", auth_driver="ldap", group_ids=[1])
        )

    store.write_now(work)
    assert (await door.authenticate("lena:right", "peer")).user_id == 7
    assert await refused(door, "lena:wrong")
    assert await refused(door, "lena:slow")
    asked = drivers.asked[0]
    assert (asked.user_id, asked.driver, asked.user, asked.password) == (7, "ldap", "lena", "cn=lena")
    assert len({request.request_id for request in drivers.asked}) == 3


async def test_users_of_the_driver_public_never_get_in(door: Authenticator, store: Store) -> None:
    edit(store, "alice", auth_driver="public", password="wonder")
    assert await refused(door, "alice:wonder")
    good = server_token("serveradmin", "opensesame", "alice", int(time.time()) + 60)
    assert (await door.authenticate(good, "peer")).user_name == "alice"


@pytest.mark.parametrize("algorithm", [hashlib.sha1, hashlib.sha256])
async def test_a_digest_that_was_taken_over_is_replaced_at_the_first_login(
    door: Authenticator, store: Store, algorithm: Callable[[bytes], hashlib._Hash]
) -> None:
    digest = algorithm(b"wonder").hexdigest()
    edit(store, "alice", password=digest)
    assert await refused(door, f"alice:{digest}")
    assert (await door.authenticate(ALICE, "peer")).user_id == 2
    alice = store.read(lambda snapshot: snapshot.users.get(2))
    assert alice.password.startswith("scrypt$")
    assert (await door.authenticate(ALICE, "peer")).user_id == 2
    assert door.known(ALICE) is not None


async def test_guesses_from_the_same_address_do_not_keep_the_user_out(
    door: Authenticator, store: Store
) -> None:
    await door.authenticate(ALICE, "peer")
    for _ in range(1000):
        door._failed.failed("alice", "peer")
        door._failed.turn_in_s("alice", "peer")
    store.write_now(lambda tx: tx.groups.allocate(Group(100, "guests")))
    assert door.known(ALICE) is None
    started = time.perf_counter()
    assert (await door.authenticate(ALICE, "peer")).user_id == 2
    assert time.perf_counter() - started < 10


async def test_a_server_user_of_another_driver_never_gets_in(door: Authenticator, store: Store) -> None:
    good = server_token("serveradmin", "opensesame", "alice", int(time.time()) + 60)
    edit(store, "serveradmin", auth_driver="server_x509")
    assert await refused(door, good)
