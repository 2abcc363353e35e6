"""How an API method is declared: parameters, what it needs, whether it writes.

From one declaration come dispatch, type checks, authorisation, documentation and tests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum
from typing import Final


class ObjectKind(StrEnum):
    """Kinds of objects that rights are about; the value is the word of ACL rules and error messages."""

    VM = "VM"
    HOST = "HOST"
    NET = "NET"
    IMAGE = "IMAGE"
    USER = "USER"
    TEMPLATE = "TEMPLATE"
    GROUP = "GROUP"
    ACL = "ACL"
    DATASTORE = "DATASTORE"
    CLUSTER = "CLUSTER"
    DOCUMENT = "DOCUMENT"
    ZONE = "ZONE"
    SECGROUP = "SECGROUP"
    VDC = "VDC"
    VROUTER = "VROUTER"
    MARKETPLACE = "MARKETPLACE"
    MARKETPLACEAPP = "MARKETPLACEAPP"
    VMGROUP = "VMGROUP"
    VNTEMPLATE = "VNTEMPLATE"
    HOOK = "HOOK"
    BACKUPJOB = "BACKUPJOB"


class Right(IntEnum):
    """Rights, with the bits of ACL rules."""

    USE = 1
    MANAGE = 2
    ADMIN = 4
    CREATE = 8


class _Required(Enum):
    REQUIRED = 0


REQUIRED: Final = _Required.REQUIRED


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter behind the session text.

    :param type: ``int``, ``str``, ``bool`` or ``list`` (of ints)
    :param default: used when the caller sends fewer parameters; REQUIRED refuses that
    """

    name: str
    type: type[int] | type[str] | type[bool] | type[list[int]]
    default: object = REQUIRED


@dataclass(frozen=True, slots=True)
class Need:
    """A right that the caller needs.

    :param param: the parameter that holds the object's id; None for CREATE and for whole pools
    :param optional_below: ids below this one (such as -1, "none named") need nothing
    """

    kind: ObjectKind
    right: Right
    param: str | None = None
    optional_below: int | None = None


class Access(Enum):
    """What a method needs when no single object decides."""

    ANYONE = "any authenticated user"
    LISTING = "any authenticated user; lists only what the caller may use"
    ADMINS = "members of the group oneadmin"
    HANDLER = "checked by the method itself, per object"


class Mode(Enum):
    """How a method runs.

    POINT: a short read, inline. READ: a long read, on a reader thread. WRITE: on the writer, answered after
    the commit. ASYNC: a coroutine on the event loop that waits (for a driver, for a change).
    """

    POINT = "point"
    READ = "read"
    WRITE = "write"
    ASYNC = "async"


@dataclass(frozen=True, slots=True)
class Session:
    """Who calls. ``group_ids`` holds the primary group too.

    :param is_bound: the call is limited to one group, and may not undo that: by a new password, a wider token
    """

    user_id: int
    user_name: str
    group_id: int
    group_name: str
    group_ids: frozenset[int]
    umask: int = 0o177
    is_bound: bool = False

    @property
    def is_admin(self) -> bool:
        """User 0 and all members of group 0 pass every permission check."""
        return self.user_id == 0 or 0 in self.group_ids


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the API.

    :param handler: called as ``handler(tx, session, *parameters)``; ``tx`` is a snapshot for POINT and READ,
        the transaction for WRITE; an ASYNC handler is ``async def handler(session, *parameters)``.
        It returns an int, a text, or bytes of an already escaped document
    :param needs: the rights, or an :class:`Access`; a method without either cannot be declared
    :param prepare: called as ``prepare(*parameters)`` before the writer, off the event loop's hot path, for
        slow work such as parsing; what it returns replaces the parameters
    :param before: ``async def before(session, *parameters)``, for what a writing method waits for: a driver,
        a slow hash; what it returns replaces the parameters. Rights are looked at before it and in the writer
    :param ignores_lock: the object's lock does not matter (locking and unlocking themselves)
    """

    name: str
    params: tuple[Param, ...]
    needs: tuple[Need, ...] | Access
    mode: Mode
    handler: Callable[..., object]
    doc: str
    prepare: Callable[..., tuple[object, ...]] | None = None
    before: Callable[..., Awaitable[tuple[object, ...]]] | None = None
    ignores_lock: bool = False
