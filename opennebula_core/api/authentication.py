"""Who calls: session texts checked against stored passwords, server users' tokens and auth drivers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from opennebula_core.api.auth_drivers import AuthDrivers, DriverLogins
from opennebula_core.api.password_checks import REFUSED, PasswordChecks
from opennebula_core.api.server_cipher import read_server_session
from opennebula_core.api.sessions import MAX_WAIT_S, FailedLogins, SessionCache
from opennebula_core.contracts.method import Session
from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.errors import AuthenticationError
from opennebula_core.managers.access.tokens import LoginToken
from opennebula_core.model.objects import User
from opennebula_core.model.passwords import Cost, is_old_digest

LOG = logging.getLogger(__name__)

MAX_NAME_CHARACTERS: Final = 128
MAX_SESSION_CHARACTERS: Final = 16384
CORE, PUBLIC, SERVER_CIPHER, SERVER = "core", "public", "server_cipher", "server_"
"""Names of drivers that the core itself is; users of other servers' drivers have none here."""
_FOREVER_S: Final = float("inf")


TokenLookup = Callable[[Snapshot, int, str], LoginToken | None]
"""Returns the live token of a user (by id) that a secret is, None when it is none."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    session: Session
    user_ids: tuple[int, ...]
    lifetime_s: float = _FOREVER_S


class Authenticator:
    """Turns session texts into sessions.

    A text that several calls bring at the same time is checked once; what was verified is remembered for
    ``session_s``. An unknown user takes as long as a wrong password. Guesses are slowed down; a text that was
    right before is not, so that nobody's guesses keep its owner out.

    :param drivers: where users with a driver of their own are asked about; None: nobody of them gets in
    :param default_auth: the driver that is asked about unknown names, and may make users of them
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
        default_auth: str = "",
        token_lookup: TokenLookup | None = None,
        cost: Cost | None = None,
    ) -> None:
        self._store = store
        self._umask = umask
        self._drivers = DriverLogins(store, drivers, default_auth) if drivers is not None else None
        self._token_lookup = token_lookup
        self._cache = SessionCache(session_s)
        self._failed = FailedLogins()
        self._in_flight: dict[bytes, asyncio.Task[_Verdict | None]] = {}
        self._passwords = PasswordChecks(cost)
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
        digest = self._cache.digest(text)
        wait_s = 0.0 if self._cache.was_right(digest) else self._failed.turn_in_s(name, peer)
        if wait_s > MAX_WAIT_S:
            raise AuthenticationError(
                f"{REFUSED} Too many logins of this user failed from this address; wait {wait_s:.0f} s."
            )
        if wait_s:
            await asyncio.sleep(wait_s)
        verdict = await self._verify_once(digest, name, secret)
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
        self._passwords.close()

    async def _verify_once(self, digest: bytes, name: str, secret: str) -> _Verdict | None:
        task = self._in_flight.get(digest)
        if task is None:
            task = asyncio.create_task(self._verify_and_keep(digest, name, secret))
            self._in_flight[digest] = task
            task.add_done_callback(lambda _done: self._in_flight.pop(digest, None))
        return await asyncio.shield(task)

    async def _verify_and_keep(self, digest: bytes, name: str, secret: str) -> _Verdict | None:
        generation = self._cache.generation
        verdict = await self._verify(name, secret, was_right=self._cache.was_right(digest))
        if verdict is not None:
            self._cache.put(digest, verdict.session, verdict.user_ids, generation, verdict.lifetime_s)
        return verdict

    async def _verify(self, name: str, secret: str, *, was_right: bool) -> _Verdict | None:
        user = self._store.read(lambda snapshot: snapshot.users.find_by_name(name))
        if user is None and self._drivers is not None and self._drivers.default:
            user = await self._drivers.introduce(name, secret)
            return None if user is None else _Verdict(self._session(user), (user.id,))
        if user is None or not user.enabled:
            await self._passwords.take_as_long(secret)
            return None
        by_token = self._verify_token(user, secret)
        if by_token is not None:
            return by_token
        if user.auth_driver == SERVER_CIPHER:
            return self._verify_server_user(user, secret)
        is_right = await self._is_right(user, secret, was_right=was_right)
        return _Verdict(self._session(user), (user.id,)) if is_right else None

    async def _is_right(self, user: User, secret: str, *, was_right: bool) -> bool:
        if user.auth_driver == CORE:
            is_right = await self._passwords.is_right(user.password, secret, was_right=was_right)
            if is_right and is_old_digest(user.password):
                await self._store_anew(user, secret)
            return is_right
        if user.auth_driver == PUBLIC or user.auth_driver.startswith(SERVER) or self._drivers is None:
            await self._passwords.take_as_long(secret)
            return False
        return await self._drivers.is_right(user, secret)

    async def _store_anew(self, user: User, secret: str) -> None:
        """Replace a mere digest, as OpenNebula stores passwords, now that the password is at hand."""
        stored = await self._passwords.hashed(secret)

        def write(tx: Transaction) -> None:
            changed = tx.users.find(user.id)
            if changed is not None and (changed.auth_driver, changed.password) == (CORE, user.password):
                changed.password = stored
                tx.users.save(changed)

        await self._store.write(write)
        LOG.info("user %r: the digest of the password was replaced by a hash", user.name)

    def _verify_token(self, user: User, secret: str) -> _Verdict | None:
        lookup = self._token_lookup
        if lookup is None:
            return None
        token = self._store.read(lambda snapshot: lookup(snapshot, user.id, secret))
        if token is None or not _is_member(user, token.group_id):
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
        if not _is_member(target, call.group_id):
            return None
        session = self._session(target, call.group_id)
        return _Verdict(session, (server_user.id, target.id), call.expiry - now)

    def _session(self, user: User, group_id: int = -1) -> Session:
        """Return the user's session; in ``group_id`` alone when that is not negative."""
        umask = user.template.get("UMASK")
        mask = int(umask, 8) if umask and set(umask) <= set("01234567") else self._umask
        if group_id < 0:
            group_ids = frozenset((user.gid, *user.group_ids))
            return Session(user.id, user.name, user.gid, user.gname, group_ids, mask)
        group = self._store.read(lambda snapshot: snapshot.groups.find(group_id))
        group_name = group.name if group is not None else ""
        return Session(user.id, user.name, group_id, group_name, frozenset({group_id}), mask, is_bound=True)


def _is_member(user: User, group_id: int) -> bool:
    """Return whether a call may be bound to a group; a negative one binds it to none."""
    return group_id < 0 or group_id in (user.gid, *user.group_ids)
