"""What every kind of object has: rename, update, chmod, chown, lock; one implementation for all.

Source of rules and texts: OpenNebula 6.10 API, conventions of parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError, AuthorizationError, InternalError, ParameterError
from opennebula_core.managers.restricted import check_restricted, keep, keep_restricted
from opennebula_core.managers.rights import require
from opennebula_core.model.names import check_name
from opennebula_core.model.objects import Lock, PoolObject
from opennebula_core.model.template import Template

LOCK_ALL = 4
_BITS = 9
_OTHER_BITS = 0o007
_ADMIN_BITS = 0o111


class UpdateKind(IntEnum):
    """How a template is changed."""

    REPLACE = 0
    APPEND = 1


def update_kind(number: int) -> UpdateKind:
    """Return the kind that a client's number means.

    :raises ParameterError: there is none
    """
    try:
        return UpdateKind(number)
    except ValueError:
        raise ParameterError("Wrong update type") from None


def parse_text(text: str) -> Template:
    """Return the template of a client's text.

    :raises TemplateError: it does not parse
    """
    return Template.parse(text)


UpdateHook = Callable[[Transaction, Session, PoolObject, Template], None]
RenameHook = Callable[[Transaction, PoolObject], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object as its methods see it.

    :param prefix: of its methods, such as ``one.vm``
    :param change: the right that rename and update need
    :param restricted: attributes that only administrators may set
    :param kept: attributes that an update by replacing does not drop
    :param updated: called with the object and its new template before it is saved
    :param renamed: called with the object under its new name, for what others keep of it
    :param allow_blanks: whether names may have blanks
    :param other_bits: whether plain users may change what all others may do with their objects
    :param template_field: the field that update changes
    """

    prefix: str
    kind: ObjectKind
    change: Right = Right.MANAGE
    restricted: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    updated: UpdateHook | None = None
    renamed: RenameHook | None = None
    allow_blanks: bool = True
    other_bits: bool = True
    template_field: str = "template"


def rename_method(kind: Kind) -> Method:
    """Return ``rename``."""

    def rename(tx: Transaction, session: Session, object_id: int, name: str) -> int:
        pool = tx.pool(kind.kind)
        renamed = pool.get(object_id)
        try:
            check_name(name, allow_blanks=kind.allow_blanks)
            pool.check_new_name(name, renamed.uid, object_id)
        except InternalError as error:
            raise ActionError(str(error), object_id) from None
        renamed.name = name
        pool.save(renamed)
        if kind.renamed is not None:
            kind.renamed(tx, renamed)
        return object_id

    return Method(
        f"{kind.prefix}.rename",
        (Param("id", int), Param("name", str)),
        (Need(kind.kind, kind.change, "id"),),
        Mode.WRITE,
        rename,
        "Give the object another name.",
    )


def update_method(kind: Kind) -> Method:
    """Return ``update``: replace the object's template, or merge into it."""

    def prepare(object_id: int, text: str, append: int) -> tuple[object, ...]:
        return object_id, parse_text(text), update_kind(append)

    def update(tx: Transaction, session: Session, object_id: int, given: Template, how: UpdateKind) -> int:
        pool = tx.pool(kind.kind)
        changed = pool.get(object_id)
        present: Template = getattr(changed, kind.template_field)
        replaces = how is UpdateKind.REPLACE
        what = f"{kind.kind.value} template"
        check_restricted(session, given, kind.restricted, what, present, replaces=replaces)
        if replaces:
            merged = given.copy()
            keep(merged, present, kind.kept)
            keep_restricted(session, merged, present, kind.restricted)
        else:
            merged = present.copy()
            merged.merge(given)
        setattr(changed, kind.template_field, merged)
        if kind.updated is not None:
            kind.updated(tx, session, changed, merged)
        pool.save(changed)
        return object_id

    return Method(
        f"{kind.prefix}.update",
        (Param("id", int), Param("template", str), Param("append", int, 0)),
        (Need(kind.kind, kind.change, "id"),),
        Mode.WRITE,
        update,
        "Replace the object's template (0), or merge into it (1).",
        prepare,
    )


_CHMOD_NAMES = tuple(f"{who}_{what}" for who in ("owner", "group", "other") for what in ("u", "m", "a"))


AlsoChmod = Callable[[Transaction, Session, int, list[int]], None]


def chmod_method(kind: Kind, *extra: Param, also: AlsoChmod | None = None) -> Method:
    """Return ``chmod``.

    :param extra: a flag behind the nine bits
    :param also: called with the object's id and the bits when the flag is set
    """

    def chmod(tx: Transaction, session: Session, object_id: int, *bits: object) -> int:
        set_permissions(tx, session, kind, object_id, [bit for bit in bits[:_BITS] if isinstance(bit, int)])
        if also is not None and any(bits[_BITS:]):
            also(tx, session, object_id, [bit for bit in bits[:_BITS] if isinstance(bit, int)])
        return object_id

    return Method(
        f"{kind.prefix}.chmod",
        (Param("id", int), *(Param(name, int) for name in _CHMOD_NAMES), *extra),
        (Need(kind.kind, Right.MANAGE, "id"),),
        Mode.WRITE,
        chmod,
        "Set the object's permissions, each 1, 0 or -1 to keep it.",
    )


def set_permissions(tx: Transaction, session: Session, kind: Kind, object_id: int, bits: list[int]) -> None:
    """Set an object's permissions for a caller who may MANAGE it; bits of ADMIN need that right, too.

    :raises RequestError: a bit is none, or may not be changed by the caller
    """
    pool = tx.pool(kind.kind)
    changed = pool.get(object_id)
    wanted = new_permissions(changed.permissions, bits)
    difference = wanted ^ changed.permissions
    if difference & _ADMIN_BITS:
        require(tx, session, kind.kind, Right.ADMIN, object_id)
    if difference & _OTHER_BITS and not (kind.other_bits or session.is_admin):
        raise AuthorizationError(
            f"User [{session.user_id}] : 'other' permissions are disabled in oned.toml; "
            f"ask an administrator to change them",
            object_id,
        )
    changed.permissions = wanted
    pool.save(changed)


def new_permissions(present: int, bits: list[int]) -> int:
    """Return permissions with nine bits set (1), cleared (0) or kept (-1).

    :raises ParameterError: a bit is none of these
    """
    result = present
    for position, bit in enumerate(bits):
        mask = 1 << (_BITS - 1 - position)
        if bit not in (-1, 0, 1):
            raise ParameterError(f"Wrong permission {bit}; use 1, 0, or -1 to keep it")
        if bit == 1:
            result |= mask
        elif bit == 0:
            result &= ~mask
    return result


def chown_method(kind: Kind) -> Method:
    """Return ``chown``."""

    def chown(tx: Transaction, session: Session, object_id: int, uid: int, gid: int) -> int:
        pool = tx.pool(kind.kind)
        changed = pool.get(object_id)
        if uid >= 0 and uid != changed.uid:
            _give_to_user(tx, session, changed, uid)
            try:
                pool.check_new_name(changed.name, uid, object_id)
            except InternalError as error:
                raise ActionError(str(error), object_id) from None
        if gid >= 0 and gid != changed.gid:
            group = tx.groups.get(gid)
            if not session.is_admin and gid not in session.group_ids:
                require(tx, session, ObjectKind.GROUP, Right.USE, gid)
            changed.gid, changed.gname = group.id, group.name
        pool.save(changed)
        return object_id

    return Method(
        f"{kind.prefix}.chown",
        (Param("id", int), Param("uid", int), Param("gid", int)),
        (Need(kind.kind, Right.MANAGE, "id"),),
        Mode.WRITE,
        chown,
        "Give the object to another user or group; -1 keeps.",
    )


def _give_to_user(tx: Transaction, session: Session, changed: PoolObject, uid: int) -> None:
    user = tx.users.get(uid)
    if not session.is_admin:
        require(tx, session, ObjectKind.USER, Right.MANAGE, uid)
    changed.uid, changed.uname = user.id, user.name


def lock_methods(kind: Kind) -> tuple[Method, Method]:
    """Return ``lock`` and ``unlock``."""

    def lock(tx: Transaction, session: Session, object_id: int, level: int, test: bool) -> int:
        if level not in (1, 2, 3, LOCK_ALL):
            raise ParameterError(f"Wrong lock level {level}; use 1 use, 2 manage, 3 admin, 4 all")
        pool = tx.pool(kind.kind)
        locked = pool.get(object_id)
        if test and locked.lock is not None:
            raise ActionError(str(locked.lock.time), object_id)
        _check_locker(session, locked)
        locked.lock = Lock(1 if level == LOCK_ALL else level, session.user_id, tx.now)
        pool.save(locked)
        return object_id

    def unlock(tx: Transaction, session: Session, object_id: int) -> int:
        pool = tx.pool(kind.kind)
        locked = pool.get(object_id)
        _check_locker(session, locked)
        locked.lock = None
        pool.save(locked)
        return object_id

    needs = (Need(kind.kind, Right.MANAGE, "id"),)
    return (
        Method(
            f"{kind.prefix}.lock",
            (Param("id", int), Param("level", int), Param("test", bool, False)),
            needs,
            Mode.WRITE,
            lock,
            "Lock the object against use (1), changes (2), administration (3) or all (4).",
            ignores_lock=True,
        ),
        Method(
            f"{kind.prefix}.unlock",
            (Param("id", int),),
            needs,
            Mode.WRITE,
            unlock,
            "Unlock the object.",
            ignores_lock=True,
        ),
    )


def _check_locker(session: Session, locked: PoolObject) -> None:
    if locked.lock is not None and not session.is_admin and locked.lock.owner_id != session.user_id:
        raise AuthorizationError(
            f"User [{session.user_id}] : the object was locked by user {locked.lock.owner_id}.", locked.id
        )


def owned_methods(kind: Kind) -> tuple[Method, ...]:
    """Return what every object with an owner has: rename, update, chmod, chown."""
    return (rename_method(kind), update_method(kind), chmod_method(kind), chown_method(kind))


def require_text(name: str, value: str) -> str:
    """Return a text that must not be empty.

    :raises InternalError: it is
    """
    if not value:
        raise InternalError(f"Invalid {name}, it cannot be empty")
    return value
