"""Login tokens as they are kept: made, found, listed, ended.

A token is stored sealed under the installation's key; a digest under the same key finds it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.user import ShownToken
from opennebula_core.errors import ParameterError
from opennebula_core.managers.access.token_key import TokenKey

LOG = logging.getLogger(__name__)

MAX_TOKENS: Final = 10
"""Live tokens of a user. Source: OpenNebula 6.10, LoginToken."""
MAX_CHARACTERS: Final = 12288
"""Of a token: those of the driver x509 hold a chain of certificates."""
NEVER: Final = -1
"""Expiry of a token that is good until it is reset."""
ALL_GROUPS: Final = -1
_TOKEN_BYTES: Final = 32
_CLEAN_UP_EVERY_S: Final = 3600.0
_LIVE: Final = "(expires = -1 OR expires > ?)"
_FIND: Final = f"SELECT group_id, expires FROM login_token WHERE user_id = ? AND digest = ? AND {_LIVE}"
_LIST: Final = f"SELECT user_id, sealed, expires, group_id FROM login_token WHERE key_id = ? AND {_LIVE}"


@dataclass(frozen=True, slots=True)
class LoginToken:
    """A live login token: a secret in place of the password.

    :param group_id: the only group of calls made with it; -1 for the user's own groups
    :param lifetime_s: seconds that it is still good for
    """

    group_id: int
    lifetime_s: float


def new_token() -> str:
    """Return 256 random bits as hex characters."""
    return secrets.token_hex(_TOKEN_BYTES)


class Tokens:
    """The login tokens of an installation.

    What changes a user's tokens is recorded as a change of the user: that ends sessions resting on them.
    """

    def __init__(self, store: Store, key: TokenKey) -> None:
        self._store = store
        self._key = key

    def find(self, tx: Snapshot, user_id: int, secret: str) -> LoginToken | None:
        """Return the live token that a secret is, None when it is none."""
        if len(secret) > MAX_CHARACTERS:
            return None
        now = self._store.now()
        row = tx.one(_FIND, (user_id, self._key.digest(user_id, secret), now))
        if row is None:
            return None
        group_id, expires = row
        return LoginToken(group_id, float("inf") if expires == NEVER else expires - now)

    def add(self, tx: Transaction, user_id: int, text: str, *, lifetime_s: int, group_id: int) -> None:
        """Store a token; one that is there already gets the new lifetime and group.

        :param lifetime_s: -1: it is good until it is reset
        :raises ParameterError: the user has as many as are allowed
        """
        tx.execute("DELETE FROM login_token WHERE user_id = ? AND expires BETWEEN 0 AND ?", (user_id, tx.now))
        digest = self._key.digest(user_id, text)
        others = tx.value(
            "SELECT COUNT(*) FROM login_token WHERE user_id = ? AND key_id = ? AND digest <> ?",
            (user_id, self._key.id, digest),
        )
        if others >= MAX_TOKENS:
            raise ParameterError("Max number of tokens limit reached.", user_id)
        expires = NEVER if lifetime_s == NEVER else tx.now + lifetime_s
        tx.execute(
            "INSERT OR REPLACE INTO login_token (user_id, digest, key_id, sealed, expires, group_id) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (user_id, digest, self._key.id, self._key.seal(user_id, text), expires, group_id),
        )
        tx.emit(ObjectKind.USER, user_id, "update")

    def remove(self, tx: Transaction, user_id: int, text: str) -> None:
        """End one token.

        :raises ParameterError: the user has no such token; the text is not repeated, it may be a password
        """
        digest = self._key.digest(user_id, text)
        if not tx.execute("DELETE FROM login_token WHERE user_id = ? AND digest = ?", (user_id, digest)):
            raise ParameterError("Could not find token", user_id)
        tx.emit(ObjectKind.USER, user_id, "update")

    def remove_all(self, tx: Transaction, user_id: int) -> None:
        """End all tokens of a user."""
        tx.execute("DELETE FROM login_token WHERE user_id = ?", (user_id,))
        tx.emit(ObjectKind.USER, user_id, "update")

    def of(self, tx: Snapshot, user_id: int) -> list[ShownToken]:
        """Return the live tokens of a user."""
        rows = tx.query(f"{_LIST} AND user_id = ?", (self._key.id, self._store.now(), user_id))
        return self._shown(rows).get(user_id, [])

    def of_all(self, tx: Snapshot) -> Mapping[int, list[ShownToken]]:
        """Return the live tokens of all users who have any."""
        return self._shown(tx.query(_LIST, (self._key.id, self._store.now())))

    def _shown(self, rows: Iterable[tuple[int, str, int, int]]) -> Mapping[int, list[ShownToken]]:
        found: dict[int, list[ShownToken]] = {}
        for user_id, sealed, expires, group_id in rows:
            text = self._key.open(user_id, sealed)
            if text is not None:
                found.setdefault(user_id, []).append(ShownToken(text, expires, group_id))
        return found

    def report_void(self) -> None:
        """Say in the log how many tokens were made under another key: that of a lost or exchanged file."""
        count = self._store.read(
            lambda tx: tx.value("SELECT COUNT(*) FROM login_token WHERE key_id <> ?", (self._key.id,))
        )
        if count:
            LOG.error(
                "login tokens: %d are void, made under another key than that in var/.one/token_key; put the "
                "file back that belongs to this database, or let users make new tokens; passwords work",
                count,
            )

    async def clean_up(self) -> None:
        """Remove expired tokens now and then; runs as long as the core."""
        while True:
            await self._store.write(
                lambda tx: tx.execute("DELETE FROM login_token WHERE expires BETWEEN 0 AND ?", (tx.now,))
            )
            await asyncio.sleep(_CLEAN_UP_EVERY_S)
