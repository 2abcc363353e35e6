"""The API methods of users. Source of rules: OpenNebula 6.10 API, authentication."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Final

from opennebula_core.contracts.method import Access, Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.listing import ALL, select_pool
from opennebula_core.db.quotas import DEFAULTS
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.quotas import NO_QUOTAS
from opennebula_core.documents.user import TOKEN_PASSWORD, render_user, render_user_in_pool, user_pool_end
from opennebula_core.errors import ActionError, AuthorizationError
from opennebula_core.managers.access.groups import end_admin
from opennebula_core.managers.access.passwords import (
    chauth_method,
    check_no_bond,
    checked_driver,
    passwd_method,
    stored_password,
)
from opennebula_core.managers.access.quotas import default_quotas, quotas_by_owner, quotas_of
from opennebula_core.managers.access.rules import drop_rules_of
from opennebula_core.managers.access.tokens import Tokens
from opennebula_core.managers.core import Core
from opennebula_core.managers.objects import Kind, update_method
from opennebula_core.managers.rights import require, require_on
from opennebula_core.model import acl
from opennebula_core.model.names import check_name
from opennebula_core.model.objects import User
from opennebula_core.model.quotas import Owner
from opennebula_core.model.template import Template

_TOKEN_PASSWORD_BYTES: Final = 32
USER, GROUP = ObjectKind.USER, ObjectKind.GROUP
ADMINISTRATORS: Final = 0
USERS_GROUP: Final = 1
_MANAGE = (Need(USER, Right.MANAGE, "id"),)
_ADMIN = (Need(USER, Right.ADMIN, "id"),)


def user_methods(core: Core) -> Iterable[Method]:
    """Return all methods of users and their pool."""
    yield update_method(Kind("one.user", USER, kept=(TOKEN_PASSWORD,)))
    yield _info(core.tokens)
    yield _pool(core.tokens)
    yield _allocate()
    yield passwd_method(core)
    yield chauth_method()
    yield from _membership()
    yield Method("one.user.enable", (Param("id", int), Param("enable", bool)), _ADMIN, Mode.WRITE, _enable,
                 "Enable or disable a user.")  # fmt: skip
    yield Method("one.user.delete", (Param("id", int),), _ADMIN, Mode.WRITE, _delete, "Remove a user.")


def _info(tokens: Tokens) -> Method:
    def info(tx: Snapshot, session: Session, user_id: int, decrypt: bool) -> bytes:
        wanted = session.user_id if user_id < 0 else user_id
        if wanted != session.user_id:
            require(tx, session, USER, Right.USE, wanted)
        user = tx.users.get(wanted)
        return render_user(
            user,
            # What is kept of a server user's password is the key to act as anybody: to look is not enough.
            show_password=(session.is_admin or wanted == session.user_id) and not session.is_bound,
            show_tokens=_may_log_in_as(tx, session, user),
            tokens=tokens.of(tx, wanted),
            quotas=quotas_of(tx, Owner.USER, wanted),
            default_quotas=default_quotas(tx, Owner.USER),
        ).encode()

    return Method(
        "one.user.info",
        (Param("id", int), Param("decrypt", bool, False)),
        Access.HANDLER,
        Mode.POINT,
        info,
        "Return a user; -1 is the caller.",
    )


def _may_log_in_as(tx: Snapshot, session: Session, user: User) -> bool:
    """Return whether the caller could make tokens of the user, and therefore may see those there are."""
    try:
        require_on(tx, session, USER, Right.MANAGE, user)
        check_no_bond(session, user)
    except AuthorizationError:
        return False
    return True


def _pool(tokens: Tokens) -> Method:
    def pool(tx: Snapshot, session: Session) -> bytes:
        selection = select_pool(USER, session, tx.acl_rules(), ALL)
        if not session.is_admin:
            selection = type(selection)(
                f"({selection.condition}) OR id = ?",
                (*selection.parameters, session.user_id),
                selection.order,
            )
        users = tx.users.where(selection.sql, selection.parameters)
        is_shown = session.is_admin and not session.is_bound
        tokens_of, quotas = tokens.of_all(tx), quotas_by_owner(tx, Owner.USER)
        shown = (
            render_user_in_pool(
                user,
                show_password=is_shown,
                show_tokens=is_shown or (user.id == session.user_id and not session.is_bound),
                tokens=tokens_of.get(user.id, ()),
                quotas=quotas.get(user.id, NO_QUOTAS),
            )
            for user in users
        )
        end = user_pool_end(quotas.get(DEFAULTS, NO_QUOTAS))
        return "".join(("&lt;USER_POOL&gt;", *shown, end)).encode()

    return Method("one.userpool.info", (), Access.LISTING, Mode.READ, pool, "List users.")


def _allocate() -> Method:
    async def before(
        session: Session, name: str, password: str, driver: str, group_ids: list[int]
    ) -> tuple[User]:
        check_name(name, allow_blanks=False)
        driver = checked_driver(session, driver, -1)
        stored = await stored_password(driver, password)
        user = User(id=-1, name=name, password=stored, auth_driver=driver)
        user.group_ids = list(group_ids) or [USERS_GROUP]
        return (user,)

    return Method(
        "one.user.allocate",
        (
            Param("name", str),
            Param("password", str),
            Param("driver", str, ""),
            Param("groups", list[int], []),
        ),
        (Need(USER, Right.CREATE),),
        Mode.WRITE,
        _add,
        "Make a user, in the group users when no group is named.",
        before=before,
    )


def _add(tx: Transaction, session: Session, user: User) -> int:
    groups = [tx.groups.get(group_id) for group_id in user.group_ids]
    _check_administrators(session, -1, user.group_ids)
    if not session.is_admin:
        for group in groups:
            require(tx, session, GROUP, Right.MANAGE, group.id)
    user.gid, user.gname = groups[0].id, groups[0].name
    make_user(tx, user)
    return user.id


def make_user(tx: Transaction, user: User) -> None:
    """Insert a user whose name, password, driver and groups are set, as his own owner."""
    user.permissions = 0o600
    user.template.merge(new_token_password())
    tx.users.allocate(user)
    user.uid, user.uname = user.id, user.name
    tx.users.save(user)


def new_token_password() -> Template:
    """Return what the template of every new user has: a secret that tokens for his VMs are signed with."""
    return Template(((TOKEN_PASSWORD, secrets.token_hex(_TOKEN_PASSWORD_BYTES)),))


def _check_administrators(session: Session, user_id: int, group_ids: Iterable[int]) -> None:
    """Refuse that an ordinary user puts somebody into the group oneadmin.

    :raises AuthorizationError: that was asked for
    """
    if ADMINISTRATORS in group_ids and not session.is_admin:
        raise AuthorizationError(
            f"User [{session.user_id}] : only administrators make administrators.", user_id
        )


def _membership() -> Iterable[Method]:
    def chgrp(tx: Transaction, session: Session, user_id: int, group_id: int) -> int:
        user, group = tx.users.get(user_id), tx.groups.get(group_id)
        if user_id == 0:
            raise ActionError("The primary group of user 0 cannot be changed.", user_id)
        if user.gid != 0:
            _check_administrators(session, user_id, [group_id])
        left = user.gid
        user.group_ids = sorted({*user.group_ids} - {left} | {group_id})
        user.gid, user.gname = group.id, group.name
        tx.users.save(user)
        if left != group_id:
            end_admin(tx, left, user_id)
        return user_id

    def addgroup(tx: Transaction, session: Session, user_id: int, group_id: int) -> int:
        user = tx.users.get(user_id)
        tx.groups.get(group_id)
        _check_administrators(session, user_id, [group_id])
        if group_id in user.group_ids:
            raise ActionError(f"User is already in group {group_id}", user_id)
        user.group_ids.append(group_id)
        tx.users.save(user)
        return user_id

    def delgroup(tx: Transaction, session: Session, user_id: int, group_id: int) -> int:
        user = tx.users.get(user_id)
        if group_id == user.gid:
            raise ActionError("Cannot remove user from the primary group.", user_id)
        if group_id not in user.group_ids:
            raise ActionError(f"User is not in group {group_id}", user_id)
        user.group_ids.remove(group_id)
        tx.users.save(user)
        end_admin(tx, group_id, user_id)
        return user_id

    both = (Param("id", int), Param("group", int))
    rights = (*_MANAGE, Need(GROUP, Right.MANAGE, "group"))
    yield Method("one.user.chgrp", both, rights, Mode.WRITE, chgrp, "Change a user's primary group.")
    yield Method("one.user.addgroup", both, rights, Mode.WRITE, addgroup, "Add a user to a group.")
    yield Method("one.user.delgroup", both, rights, Mode.WRITE, delgroup, "Take a user out of a group.")


def _enable(tx: Transaction, session: Session, user_id: int, wanted: bool) -> int:
    user = tx.users.get(user_id)
    if user_id == 0 and not wanted:
        raise ActionError("User 0 cannot be disabled.", user_id)
    user.enabled = wanted
    tx.users.save(user)
    return user_id


def _delete(tx: Transaction, session: Session, user_id: int) -> int:
    tx.users.get(user_id)
    if user_id in (0, 1):
        raise ActionError(f"Cannot delete user {user_id}: the cloud needs it.", user_id)
    vms = tx.value("SELECT COUNT(*) FROM vm WHERE uid = ? AND state <> 6", (user_id,))
    if vms:
        raise ActionError(f"Cannot delete user. He has {vms} VMs; terminate or chown them first.", user_id)
    tx.users.drop(user_id)
    drop_rules_of(tx, acl.INDIVIDUAL, user_id)
    return user_id
