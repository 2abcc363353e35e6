"""Passwords of users: what is stored of them, and the methods that change them."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import AuthorizationError, InternalError
from opennebula_core.managers.core import Core
from opennebula_core.model.elements import is_legal_text
from opennebula_core.model.objects import User
from opennebula_core.model.passwords import hash_password, is_stored_password

CORE_DRIVER: Final = "core"
SERVER_DRIVERS: Final = "server_"
MAX_CHARACTERS: Final = 16384
_DRIVER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,127}")


async def stored_password(driver: str, password: str) -> str:
    """Return what is stored for a password: a hash for core users, else what the driver keeps.

    :raises InternalError: it is empty, or what no document can hold
    """
    if driver == CORE_DRIVER:
        if not password:
            raise InternalError("Invalid PASSWORD, it cannot be empty")
        return await asyncio.to_thread(hash_password, password)
    if len(password) > MAX_CHARACTERS or not is_legal_text(password):
        raise InternalError("Invalid PASSWORD, it is too long or holds control characters")
    return "".join(password.split()) if driver == "x509" else password


def checked_driver(session: Session, driver: str, user_id: int) -> str:
    """Return the driver that a caller names for a user, ``core`` when it is empty.

    :raises InternalError: the driver's name cannot be one
    :raises AuthorizationError: an ordinary user asks for a server user, who may act as anybody
    """
    if not driver:
        return CORE_DRIVER
    check_driver_name(driver)
    if driver.startswith(SERVER_DRIVERS) and not session.is_admin:
        raise AuthorizationError(
            f"User [{session.user_id}] : only administrators make server users.", user_id
        )
    return driver


def check_driver_name(driver: str) -> None:
    """Check that a driver may have this name.

    :raises InternalError: it may not
    """
    if not _DRIVER.fullmatch(driver):
        raise InternalError(
            f"Wrong AUTH_DRIVER {driver[:80]!r}; use core, or the name of an installed driver"
        )


def passwd_method(core: Core) -> Method:
    """Return ``one.user.passwd``."""

    async def before(session: Session, user_id: int, password: str) -> tuple[int, str, str]:
        user = core.store.read(lambda tx: tx.users.get(user_id))
        _check_may_change(core, session, user)
        return user_id, user.auth_driver, await stored_password(user.auth_driver, password)

    def passwd(tx: Transaction, session: Session, user_id: int, driver: str, stored: str) -> int:
        changed = tx.users.get(user_id)
        if changed.auth_driver != driver:
            raise InternalError("The user's AUTH_DRIVER has changed meanwhile; try again", user_id)
        changed.password = stored
        tx.users.save(changed)
        return user_id

    return Method(
        "one.user.passwd",
        (Param("id", int), Param("password", str)),
        (Need(ObjectKind.USER, Right.MANAGE, "id"),),
        Mode.WRITE,
        passwd,
        "Change a user's password.",
        before=before,
    )


def check_no_bond(session: Session, user: User) -> None:
    """Refuse a call that is bound to one group, where it could get out of that.

    :raises AuthorizationError: it is bound
    """
    if session.is_bound:
        raise AuthorizationError(
            f"User [{session.user_id}] : Not authorized, a token of one group does not do; log in anew.",
            user.id,
        )


def _check_may_change(core: Core, session: Session, user: User) -> None:
    """Check that the caller may change passwords of the driver.

    :raises AuthorizationError: he may not
    """
    check_no_bond(session, user)
    if not session.is_admin and not core.config.driver("auth", user.auth_driver).password_change:
        raise AuthorizationError(
            f"User [{session.user_id}] : Not authorized, passwords of the driver {user.auth_driver} are not "
            f"changed here.",
            user.id,
        )


def chauth_method() -> Method:
    """Return ``one.user.chauth``."""

    async def before(session: Session, user_id: int, driver: str, password: str) -> tuple[int, str, str]:
        driver = checked_driver(session, driver, user_id)
        return user_id, driver, await stored_password(driver, password) if password else ""

    def chauth(tx: Transaction, session: Session, user_id: int, driver: str, stored: str) -> int:
        changed = tx.users.get(user_id)
        check_no_bond(session, changed)
        changed.auth_driver, changed.password = driver, stored or changed.password
        if driver == CORE_DRIVER and not is_stored_password(changed.password):
            raise InternalError("Invalid PASSWORD, the driver core needs one", user_id)
        tx.users.save(changed)
        return user_id

    return Method(
        "one.user.chauth",
        (Param("id", int), Param("driver", str), Param("password", str, "")),
        (Need(ObjectKind.USER, Right.ADMIN, "id"),),
        Mode.WRITE,
        chauth,
        "Change how a user is authenticated.",
        before=before,
    )
