"""``one.user.login``: tokens in place of passwords. Source of rules: OpenNebula 6.10, UserLogin."""

from __future__ import annotations

from opennebula_core.config import Config
from opennebula_core.contracts.method import Access, Method, Mode, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError, AuthorizationError, NotFoundError, ParameterError
from opennebula_core.managers.access.tokens import ALL_GROUPS, MAX_CHARACTERS, NEVER, Tokens, new_token
from opennebula_core.managers.rights import require
from opennebula_core.model.elements import is_legal_text
from opennebula_core.model.objects import User

MAX_LIFETIME_S = 2**31 - 1


def login_method(config: Config, tokens: Tokens) -> Method:
    """Return ``one.user.login``."""

    def login(tx: Transaction, session: Session, name: str, text: str, seconds: int, group_id: int) -> str:
        user = tx.users.find_by_name(name)
        if user is None:
            raise NotFoundError(f"Error getting user [{name}].")
        require(tx, session, ObjectKind.USER, Right.MANAGE, user.id)
        if seconds != 0:
            return _add(tx, session, user, text, seconds, group_id)
        if text:
            tokens.remove(tx, user.id, text)
        else:
            tokens.remove_all(tx, user.id)
        return text

    def _add(tx: Transaction, session: Session, user: User, text: str, seconds: int, group_id: int) -> str:
        lifetime_s = _lifetime_s(config, user, seconds)
        _check_group(session, user, group_id)
        if len(text) > MAX_CHARACTERS or not is_legal_text(text) or not text.isprintable() or "]]>" in text:
            raise ParameterError(
                f"Wrong token: it may have {MAX_CHARACTERS} printable characters; send none to get one",
                user.id,
            )
        token = text or new_token()
        tokens.add(tx, user.id, token, lifetime_s=lifetime_s, group_id=group_id)
        return token

    return Method(
        "one.user.login",
        (
            Param("name", str),
            Param("token", str),
            Param("seconds", int),
            Param("egid", int, ALL_GROUPS),
        ),
        Access.HANDLER,
        Mode.WRITE,
        login,
        "Make a login token (-1 seconds: without expiry), or end one or all (0 seconds).",
    )


def _lifetime_s(config: Config, user: User, seconds: int) -> int:
    """Return how long the token is good: as asked for, as long as the driver's setting allows.

    :raises ParameterError: that is no period
    :raises ActionError: users of the driver have no tokens
    """
    if seconds != NEVER and not 0 < seconds <= MAX_LIFETIME_S:
        raise ParameterError("Wrong valid period for token", user.id)
    limit_s = config.driver("auth", user.auth_driver).max_token_time_s
    if limit_s == 0:
        raise ActionError(f"Login tokens are disabled for users of the driver {user.auth_driver}", user.id)
    if limit_s < 0:
        return seconds
    return limit_s if seconds == NEVER else min(seconds, limit_s)


def _check_group(session: Session, user: User, group_id: int) -> None:
    """Check that the token may be for that group, or for all of the user's.

    :raises ParameterError: the user is not in it
    :raises AuthorizationError: the caller himself is bound to another
    """
    if group_id != ALL_GROUPS and group_id not in (user.gid, *user.group_ids):
        raise ParameterError(f"EGID {group_id} is not in user group list", user.id)
    if session.is_bound and (session.user_id != user.id or group_id != session.group_id):
        raise AuthorizationError(
            f"User [{session.user_id}] : a token of one group makes no token for others; log in without it.",
            user.id,
        )
