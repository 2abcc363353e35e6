"""Who calls: session texts checked against stored passwords, server users' tokens and auth drivers."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Protocol

from opennebula_core.api.server_cipher import read_server_session
from opennebula_core.api.sessions import FailedLogins, SessionCache
from opennebula_core.contracts.method import Session
from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Snapshot
from opennebula_core.errors import AuthenticationError, DriverError, PluginError
from opennebula_core.model.objects import User
from opennebula_core.model.passwords import Cost, decoy, is_password
from opennebula_core.wire.requests import AuthRequest, Reply

LOG = logging.getLogger(__name__)

REFUSED: Final = "User couldn't be authenticated, aborting call."
MAX_NAME_CHARACTERS: Final = 128
MAX_SESSION_CHARACTERS: Final = 16384
MAX_WAIT_S: Final = 30.0
"""An attempt that would have to wait longer for its turn is refused unheard."""
MAX_HASHES_WAITING: Final = 64
_FOREVER_S: Final = float("inf")


class AuthDrivers(Protocol):
    """Asks an authentication driver; the driver pool does."""

    def request(self, kind: str, name: str, request: AuthRequest) -> Awaitable[Reply]:
        """Return the driver's answer."""


@dataclass(frozen=True, slots=True)
class LoginToken:
    """A live login token: a secret in place of the password.

    :param group_id: the only group of calls made with it; -1 for the user's own groups
    :param lifetime_s: seconds that it is still good for
    """

    group_id: int
    lifetime_s: float


TokenLookup = Callable[[Snapshot, int, str], LoginToken | None]
"""Returns the live token of a user (by id) that a secret is, None when it is none."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    session: Session
    user_ids: tuple[int, ...]
    lifetime_s: float = _FOREVER_S


class Authenticator:
    """Turns session texts into sessions.

    Passwords are hashed on threads of their own, a text that several calls bring at the same time once; what
    was verified is remembered for ``session_s``. An unknown user takes as long as a wrong password.

    :param drivers: where users with a driver of their own are asked about; None: nobody of them gets in
    :param token_lookup: how login tokens are found; None: there are none
    :param cost: the work of one hash that nobody's password is compared with
    """

    def __init__(
        self,
        store: Store,
        *,
        session_s: float = 900.0,
        umask: int = 0o177,
        drivers: AuthDrivers | None = None,
        token_lookup: TokenLookup | None = None,
        cost: Cost | None = None,
    ) -> None:
        self._store = store
        self._umask = umask
        self._drivers = drivers
        self._token_lookup = token_lookup
        self._cache = SessionCache(session_s)
        self._failed = FailedLogins()
        self._in_flight: dict[bytes, asyncio.Task[_Verdict | None]] = {}
        self._hashes_waiting = 0
        self._decoy = decoy(cost)
        self._request_ids = itertools.count()
        # Half of the cores: a flood of logins must leave room for those who are in already.
        self._hashers = ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // 2), thread_name_prefix="password")
        store.on_commit(self._cache.forget)

    def known(self, text: str) -> Session | None:
        """Return the session of a text that was verified a short while ago, None for any other."""
        return self._cache.get(self._cache.digest(text))

    async def authenticate(self, text: str, peer: str) -> Session:
        """Return the session that the text stands for.

        :param peer: the caller's address; logins that fail from one address slow down
        :raises AuthenticationError: it stands for none
        """
        name, _, secret = text.partition(":")
        if not name or not secret or len(name) > MAX_NAME_CHARACTERS or len(text) > MAX_SESSION_CHARACTERS:
            raise AuthenticationError(REFUSED)
        wait_s = self._failed.turn_in_s(name, peer)
        if wait_s > MAX_WAIT_S:
            raise AuthenticationError(
                f"{REFUSED} Too many logins of this user failed from this address; wait {wait_s:.0f} s."
            )
        if wait_s:
            await asyncio.sleep(wait_s)
        verdict = await self._verify_once(self._cache.digest(text), name, secret)
        if verdict is None:
            self._failed.failed(name, peer)
            LOG.warning("user %r: a login from %s failed", name, peer)
            delay_s = self._failed.next_delay_s(name, peer)
            slower = f" The next login of this user from this address takes {delay_s:g} s longer."
            raise AuthenticationError(REFUSED + (slower if delay_s else ""))
        self._failed.succeeded(name, peer)
        return verdict.session

    def close(self) -> None:
        """End the threads."""
        self._hashers.shutdown(wait=False, cancel_futures=True)

    async def _verify_once(self, digest: bytes, name: str, secret: str) -> _Verdict | None:
        task = self._in_flight.get(digest)
        if task is None:
            task = asyncio.create_task(self._verify_and_keep(digest, name, secret))
            self._in_flight[digest] = task
            task.add_done_callback(lambda _done: self._in_flight.pop(digest, None))
        return await asyncio.shield(task)

    async def _verify_and_keep(self, digest: bytes, name: str, secret: str) -> _Verdict | None:
        generation = self._cache.generation
        verdict = await self._verify(name, secret)
        if verdict is not None:
            self._cache.put(digest, verdict.session, verdict.user_ids, generation, verdict.lifetime_s)
        return verdict

    async def _verify(self, name: str, secret: str) -> _Verdict | None:
        user = self._store.read(lambda snapshot: snapshot.users.find_by_name(name))
        if user is None or not user.enabled or user.auth_driver == "public":
            await self._is_password(self._decoy, secret)
            return None
        if self._token_lookup is not None:
            by_token = self._verify_token(user, secret, self._token_lookup)
            if by_token is not None:
                return by_token
        if user.auth_driver == "core":
            is_right = await self._is_password(user.password, secret)
            return _Verdict(self._session(user), (user.id,)) if is_right else None
        if user.auth_driver.startswith("server_"):
            return self._verify_server_user(user, secret)
        is_right = await self._ask_driver(user, secret)
        return _Verdict(self._session(user), (user.id,)) if is_right else None

    async def _is_password(self, stored: str, secret: str) -> bool:
        if self._hashes_waiting >= MAX_HASHES_WAITING:
            LOG.debug("logins: %d are waiting to be checked; one is refused unheard", self._hashes_waiting)
            raise AuthenticationError(REFUSED)
        self._hashes_waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._hashers, is_password, stored, secret)
        finally:
            self._hashes_waiting -= 1

    def _verify_token(self, user: User, secret: str, lookup: TokenLookup) -> _Verdict | None:
        token = self._store.read(lambda snapshot: lookup(snapshot, user.id, secret))
        if token is None:
            return None
        return _Verdict(self._session(user, token.group_id), (user.id,), token.lifetime_s)

    def _verify_server_user(self, server_user: User, secret: str) -> _Verdict | None:
        now = int(time.time())
        call = read_server_session(server_user.name, server_user.password, secret, now)
        if call is None:
            return None
        target = self._store.read(lambda snapshot: snapshot.users.find_by_name(call.target))
        if target is None or not target.enabled:
            return None
        if call.group_id >= 0 and call.group_id not in (target.gid, *target.group_ids):
            return None
        session = self._session(target, call.group_id)
        return _Verdict(session, (server_user.id, target.id), call.expiry - now)

    async def _ask_driver(self, user: User, secret: str) -> bool:
        if self._drivers is None:
            return False
        request = AuthRequest(
            next(self._request_ids), user.id, user.auth_driver, user.name, user.password, secret
        )
        try:
            reply = await self._drivers.request("auth", user.auth_driver, request)
        except (DriverError, PluginError) as error:
            LOG.error("user %r: auth driver %r cannot be asked: %s", user.name, user.auth_driver, error)
            return False
        return reply.success

    def _session(self, user: User, group_id: int = -1) -> Session:
        """Return the user's session; in ``group_id`` alone when that is not negative."""
        umask = user.template.get("UMASK")
        mask = int(umask, 8) if umask and set(umask) <= set("01234567") else self._umask
        if group_id < 0:
            group_ids = frozenset((user.gid, *user.group_ids))
            return Session(user.id, user.name, user.gid, user.gname, group_ids, mask)
        group = self._store.read(lambda snapshot: snapshot.groups.find(group_id))
        group_name = group.name if group is not None else ""
        return Session(user.id, user.name, group_id, group_name, frozenset({group_id}), mask)
