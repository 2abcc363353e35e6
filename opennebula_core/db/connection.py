"""Reading and writing one connection: rows in and out, recorded changes, callbacks after the commit."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.taken_book import TakenBook

Clock = Callable[[], float]
"""What tells the time, in epoch seconds."""


@dataclass(frozen=True, slots=True)
class Change:
    """One committed change; ``seq`` orders all of them.

    :param event: what happened: ``update``, ``delete``, or ``allocate`` or ``state`` followed by the state,
        for VMs by STATE and LCM_STATE
    """

    seq: int
    kind: ObjectKind
    object_id: int
    event: str


@dataclass(frozen=True, slots=True)
class ObjectAccess:
    """What authorisation asks about an object."""

    name: str
    uid: int
    gid: int
    permissions: int
    lock_level: int


class Reader:
    """A consistent view of the database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows."""
        return self.connection.execute(sql, parameters).fetchall()

    def one(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """Return the first row, None when there is none."""
        row: tuple[Any, ...] | None = self.connection.execute(sql, parameters).fetchone()
        return row

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Return the first column of the first row, None when there is none."""
        row = self.connection.execute(sql, parameters).fetchone()
        return None if row is None else row[0]


class Writer(Reader):
    """The one place where rows change; what is changed is on disk before anybody is told."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock = time.time) -> None:
        super().__init__(connection)
        self._clock = clock
        self.limited_owners: set[tuple[str, int]] | None = None
        """Who may have limits of quotas, by kind and id; None before anybody has looked. Nobody leaves it."""
        self.taken = TakenBook()
        self.begin()

    def begin(self) -> None:
        """Forget what the last job left; called by the store before each job."""
        self.changes: list[tuple[ObjectKind, int, str]] = []
        self.callbacks: list[Callable[[], None]] = []
        self.now = int(self._clock())
        self.loaded: dict[tuple[str, int], Any] = {}
        """Objects that several parts of one job work on, so that each is loaded and saved once."""
        self.enforces_quotas = False
        """Whether what passes a limit is refused: requests are, what drivers report is only counted."""
        self._kept: dict[tuple[ObjectKind, int], tuple[int, tuple[Any, ...]]] = {}

    def keep(self, kind: ObjectKind, object_id: int, row: tuple[Any, ...]) -> None:
        """Keep an object's row for whoever loads the object next in this job."""
        self._kept[kind, object_id] = (self.connection.total_changes, row)

    def take_kept(self, kind: ObjectKind, object_id: int) -> tuple[Any, ...] | None:
        """Return the row that is kept, once; None when there is none, or anything was written since."""
        changes, row = self._kept.pop((kind, object_id), (-1, None))
        return row if changes == self.connection.total_changes else None

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement and return how many rows it touched."""
        return self.connection.execute(sql, parameters).rowcount

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each row."""
        self.connection.executemany(sql, rows)

    def emit(self, kind: ObjectKind, object_id: int, event: str) -> None:
        """Record a change in the outbox; consumers hear of it after the commit."""
        self.changes.append((kind, object_id, event))

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` on the event loop once the changes are on disk; never when rolled back."""
        self.callbacks.append(callback)

    def next_id(self, pool: str, first: int = 0) -> int:
        """Return the next id of a pool, at least ``first``; an id is never given out twice."""
        row = self.one(
            "UPDATE pool_counter SET last_id = MAX(last_id + 1, ?) WHERE kind = ? RETURNING last_id",
            (first, pool),
        )
        if row is not None:
            return int(row[0])
        self.execute("INSERT INTO pool_counter (kind, last_id) VALUES (?, ?)", (pool, first))
        return first
