"""Tokens of scrapers: made, listed, deleted, and turned into the session of whoever made them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any, Final

from opennebula_core.contracts.method import Session
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.errors import ActionError, AuthorizationError, NotFoundError, ParameterError

MAX_PER_USER: Final = 20
MAX_NAME: Final = 128
_BYTES: Final = 32


def make_token(tx: Transaction, session: Session, name: str) -> str:
    """Keep a new token's digest and return the token; it cannot be read again.

    :raises ParameterError: the name is empty, too long, or has control characters
    :raises AuthorizationError: the session is limited to a group, and a token would not be
    :raises ActionError: the user has a token of that name, or too many
    """
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise ParameterError(f"name: 1 to {MAX_NAME} printable characters are a token's name")
    if session.is_bound:
        raise AuthorizationError("make metrics token: this login is limited to a group; log in without that")
    if tx.value("SELECT COUNT(*) FROM metrics_token WHERE uid = ?", (session.user_id,)) >= MAX_PER_USER:
        raise ActionError(f"make metrics token: a user may have {MAX_PER_USER}; delete one that is not used")
    if tx.one("SELECT 1 FROM metrics_token WHERE uid = ? AND name = ?", (session.user_id, name)) is not None:
        raise ActionError(f"make metrics token: {name!r} is taken; delete it, or take another name")
    text = secrets.token_urlsafe(_BYTES)
    tx.execute(
        "INSERT INTO metrics_token (uid, name, digest, created) VALUES (?, ?, ?, ?)",
        (session.user_id, name, _digest(text), tx.now),
    )
    return text


def delete_token(tx: Transaction, session: Session, token_id: int) -> int:
    """Delete a token: one's own, or any as an administrator.

    :raises NotFoundError: there is none with this id
    :raises AuthorizationError: it is another user's
    """
    row = tx.one("SELECT uid FROM metrics_token WHERE id = ?", (token_id,))
    if row is None:
        raise NotFoundError(f"Error getting metrics token [{token_id}].", token_id)
    if row[0] != session.user_id and not session.is_admin:
        raise AuthorizationError(
            f"User [{session.user_id}] : Not authorized to delete metrics token [{token_id}].", token_id
        )
    tx.execute("DELETE FROM metrics_token WHERE id = ?", (token_id,))
    return token_id


def tokens_of(tx: Snapshot, session: Session) -> Sequence[Any]:
    """Return id, user id, user name, name and creation of the caller's tokens; of all to an administrator."""
    everybody = (
        "SELECT t.id, t.uid, u.name, t.name, t.created FROM metrics_token t JOIN user u ON u.id = t.uid"
    )
    if session.is_admin:
        return tx.query(f"{everybody} ORDER BY t.id")
    return tx.query(f"{everybody} WHERE t.uid = ? ORDER BY t.id", (session.user_id,))


def session_of(tx: Snapshot, text: str) -> Session | None:
    """Return the session of a token's user, with his rights of now.

    None where there is no such token, or its user is disabled.
    """
    row = tx.one("SELECT uid FROM metrics_token WHERE digest = ?", (_digest(text),))
    user = None if row is None else tx.users.find(row[0])
    if user is None or not user.enabled:
        return None
    return Session(user.id, user.name, user.gid, user.gname, frozenset((user.gid, *user.group_ids)))


def forget_tokens_of_nobody(tx: Transaction) -> None:
    """Delete the tokens of users who are gone; ids of users are never used again."""
    tx.execute("DELETE FROM metrics_token WHERE uid NOT IN (SELECT id FROM user)")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
