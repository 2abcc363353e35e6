"""The generic pool under all objects: allocate, get, list by filter and page, search, save, drop."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Generic, TypeVar

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.connection import ObjectAccess, Writer
from opennebula_core.db.quotas import Quotas
from opennebula_core.db.statements import PoolStatements, pool_statements
from opennebula_core.db.tables import PoolRow
from opennebula_core.errors import InternalError, NotFoundError
from opennebula_core.model.names import check_name
from opennebula_core.model.objects import Lock, PoolObject
from opennebula_core.model.takings import Taken
from opennebula_core.model.template import Template

T = TypeVar("T", bound=PoolObject)
_COMMON = (
    "id", "name", "uid", "gid", "uname", "gname", "permissions",
    "lock_level", "lock_owner", "lock_time", "template",
)  # fmt: skip
Decode = Callable[[Any], Any]


class NameScope(Enum):
    """Within what a name must be unique."""

    NONE = "none"
    OWNER = "owner"
    POOL = "pool"


@dataclass(frozen=True, slots=True)
class Child:
    """A field whose items are rows of another table, read together with the object.

    :param items: an SQL expression for each item
    :param source: the table and what follows it, where ``t1`` is the object's own row
    :param decode: makes the field of all items
    """

    items: str
    source: str
    decode: Callable[[list[Any]], Any] = sorted

    @property
    def column(self) -> str:
        """The SQL expression of one JSON array with all items."""
        return f"(SELECT json_group_array({self.items}) FROM {self.source})"


class Pool(Generic[T]):
    """The objects of one kind, as seen by a snapshot or changed by a transaction.

    A subclass names the table and the value class; the value's own fields stand in the table in their order.
    """

    row: ClassVar[type[PoolRow]]
    value: ClassVar[type[PoolObject]]
    kind: ClassVar[ObjectKind]
    title: ClassVar[str]
    """The kind's name in OpenNebula's error messages, such as ``virtual machine``."""
    names: ClassVar[NameScope] = NameScope.NONE
    first_id: ClassVar[int] = 0
    decoders: ClassVar[dict[str, Decode]] = {}
    children: ClassVar[Mapping[str, Child]] = {}
    """Fields of the value that live in tables of their own."""
    stored_only: ClassVar[tuple[str, ...]] = ()
    counter: ClassVar[str] = ""
    """The column that counts the changes of a row; empty for kinds without one."""
    counted: ClassVar[tuple[str, ...]] = ()
    """The columns that say what an object takes of its owner's quotas; empty for kinds that take nothing."""

    statements: ClassVar[PoolStatements]
    _own: ClassVar[tuple[str, ...]]
    _decode: ClassVar[tuple[Decode | None, ...]]
    _counted: ClassVar[str]
    _counted_at: ClassVar[tuple[int, ...]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        common = {"id", "name", "uid", "gid", "uname", "gname", "permissions", "lock", "template"}
        names = [field.name for field in dataclasses.fields(cls.value)]
        cls._own = tuple(name for name in names if name not in common and name not in cls.children)
        cls._decode = tuple(cls.decoders.get(name) for name in cls._own)
        children = [child.column for child in cls.children.values()]
        cls.statements = pool_statements(
            cls.row, (*_COMMON, *cls._own), cls.stored_only, children, cls.counter
        )
        written = (*_COMMON, *cls._own, *cls.stored_only)
        cls._counted_at = tuple(written.index(name) for name in cls.counted)
        cls._counted = f'SELECT {", ".join(cls.counted)} FROM "{cls.statements.table}" WHERE id = ?'

    def __init__(self, transaction: Writer) -> None:
        self.tx = transaction
        self.quotas = Quotas(transaction)

    # -- reading ---------------------------------------------------------------------------------

    def find(self, object_id: int) -> T | None:
        """Return the object, None when there is none with that id."""
        row = self.tx.take_kept(self.kind, object_id) or self.tx.one(self.statements.by_id, (object_id,))
        return None if row is None else self._load(row)

    def get(self, object_id: int) -> T:
        """Return the object.

        :raises NotFoundError: there is none with that id
        """
        found = self.find(object_id)
        if found is None:
            raise NotFoundError(f"Error getting {self.title} [{object_id}].", object_id)
        return found

    def find_by_name(self, name: str, uid: int | None = None) -> T | None:
        """Return the object of that name (of that owner), None when there is none."""
        if uid is None:
            found = self.where("name = ? LIMIT 1", (name,))
        else:
            found = self.where("name = ? AND uid = ? LIMIT 1", (name, uid))
        return found[0] if found else None

    def where(self, condition: str = "", parameters: Sequence[Any] = ()) -> list[T]:
        """Return the objects that meet an SQL condition (``ORDER BY`` and ``LIMIT`` may follow it)."""
        clause = f" WHERE {condition}" if condition else ""
        return [self._load(row) for row in self.tx.query(self.statements.select + clause, parameters)]

    def access(self, object_id: int) -> ObjectAccess | None:
        """Return what authorisation asks about the object, None when there is no such object."""
        row = self.tx.one(self.statements.access, (object_id,))
        return None if row is None else ObjectAccess(*row)

    def access_to_change(self, object_id: int) -> ObjectAccess | None:
        """Return the same for an object that is about to be loaded, for which its row is kept."""
        row = self.tx.one(self.statements.by_id, (object_id,))
        if row is None:
            return None
        self.tx.keep(self.kind, object_id, row)
        return ObjectAccess(row[1], row[2], row[3], row[6], row[7])

    def cluster_ids(self, object_id: int) -> tuple[int, ...]:
        """Return the clusters that the object is in; kinds without clusters have none."""
        return ()

    def exists(self, object_id: int) -> bool:
        """Return whether there is an object with that id."""
        return self.tx.one(self.statements.access, (object_id,)) is not None

    @classmethod
    def _load(cls, row: tuple[Any, ...]) -> T:
        lock = Lock(row[7], row[8], row[9]) if row[7] else None
        own = [
            value if decode is None else decode(value)
            for decode, value in zip(cls._decode, row[len(_COMMON) :], strict=False)
        ]
        made: Any = cls.value
        loaded: T = made(*row[:7], lock, Template.from_json(row[10]), *own)
        if cls.children:
            cls._load_children(loaded, row[len(_COMMON) + len(own) :])
        return loaded

    @classmethod
    def _load_children(cls, loaded: T, arrays: Iterable[str]) -> None:
        for (name, child), array in zip(cls.children.items(), arrays, strict=True):
            setattr(loaded, name, child.decode(json.loads(array)))

    # -- writing ---------------------------------------------------------------------------------

    def allocate(self, new: T) -> int:
        """Give the object an id, check its name, and insert it.

        :raises InternalError: the name is not allowed or taken
        """
        if new.id < 0:
            new.id = self.tx.next_id(self.statements.table, self.first_id)
        self.check_new_name(new.name, new.uid)
        written = (*self._encode(new), *self.encode_stored(new))
        self.tx.execute(self.statements.insert, written)
        if self.counted:
            self._count_taken(None, written)
        if self.children:
            self.save_children(new)
        self.tx.emit(self.kind, new.id, f"allocate {self.state_text(new)}".rstrip())
        return new.id

    def state_text(self, value: T) -> str:
        """Return the state of an object as events name it, empty for kinds without states."""
        return ""

    def check_new_name(self, name: str, uid: int, except_id: int = -1) -> None:
        """Check that a name is allowed and free.

        :raises InternalError: it is not; renames turn that into an ActionError
        """
        check_name(name)
        if self.names is NameScope.NONE:
            return
        found = self.find_by_name(name, uid if self.names is NameScope.OWNER else None)
        if found is not None and found.id != except_id:
            raise InternalError(f"NAME is already taken by {self.kind.value} {found.id}.", found.id)

    def save(self, changed: T, event: str = "update") -> None:
        """Write the object back, count what it takes now, and record the change.

        :raises AuthorizationError: it takes more, and that passes a limit
        """
        before = self._taken_by(changed.id) if self.counted else None
        written = (*self._encode(changed), *self.encode_stored(changed))
        self.tx.execute(self.statements.update, (*written[1:], changed.id))
        if self.counted:
            self._count_taken(before, written)
        if self.children:
            self.save_children(changed)
        self.tx.emit(self.kind, changed.id, event)

    def save_after(self, before: str, changed: T) -> None:
        """Write the object back; the change is one of its state unless that is what it was before.

        :param before: what :meth:`state_text` said
        """
        state = self.state_text(changed)
        self.save(changed, "update" if state == before else f"state {state}")

    def drop(self, object_id: int) -> None:
        """Remove the object's row and what belongs to it alone."""
        before = self._taken_by(object_id) if self.counted else None
        self.tx.execute(self.statements.delete, (object_id,))
        if before is not None:
            self._count_taken(before, None)
        self.drop_children(object_id)
        self.tx.emit(self.kind, object_id, "delete")

    def _taken_by(self, object_id: int) -> tuple[Any, ...] | None:
        """Return what the row says, whatever this transaction has loaded: no two copies are counted twice."""
        return self.tx.one(self._counted, (object_id,))

    def _count_taken(self, before: tuple[Any, ...] | None, written: tuple[Any, ...] | None) -> None:
        after = None if written is None else tuple([written[place] for place in self._counted_at])
        if after != before:
            self.quotas.count(
                None if before is None else self.decode_taken(before),
                None if after is None else self.decode_taken(after),
            )

    def decode_taken(self, row: tuple[Any, ...]) -> Taken:
        """Return what the columns of :attr:`counted` mean."""
        raise InternalError(f"{self.title}s take nothing of quotas")

    def _encode(self, value: T) -> list[Any]:
        lock = value.lock
        encoded: list[Any] = [
            value.id, value.name, value.uid, value.gid, value.uname, value.gname, value.permissions,
            lock.level if lock else 0, lock.owner_id if lock else -1, lock.time if lock else 0,
            value.template.to_json(),
        ]  # fmt: skip
        for name in self._own:
            field = getattr(value, name)
            encoded.append(field.to_json() if isinstance(field, Template) else field)
        return encoded

    def encode_stored(self, value: T) -> tuple[Any, ...]:
        """Return the values of :attr:`stored_only`, in its order."""
        return ()

    def save_children(self, saved: T) -> None:
        """Write the fields that live in other tables."""

    def drop_children(self, object_id: int) -> None:
        """Remove what other tables hold of the object."""

    # -- listing ---------------------------------------------------------------------------------

    def many(self, ids: Iterable[int]) -> list[T]:
        """Return the objects with these ids that exist, in the order of their ids."""
        wanted = sorted(set(ids))
        marks = ",".join("?" * len(wanted))
        return self.where(f"id IN ({marks}) ORDER BY id", wanted) if wanted else []
