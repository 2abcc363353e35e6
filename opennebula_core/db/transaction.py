"""What a request handler works on: a snapshot to read, or the writer's transaction; both know the pools."""

from __future__ import annotations

import sqlite3
import time

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.connection import Change, Clock, ObjectAccess, Reader, Writer
from opennebula_core.db.pools import Pools
from opennebula_core.model.objects import AclRule

_CHANGES = "SELECT seq, kind, object_id, event FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?"


class Snapshot(Writer, Pools):
    """A consistent view of the database; the connection itself refuses to write."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock = time.time) -> None:
        Writer.__init__(self, connection, clock)
        Pools.__init__(self, self)

    def object_access(self, kind: ObjectKind, object_id: int) -> ObjectAccess | None:
        """Return owner, permissions and lock of an object, None when there is no such object."""
        return self.pool(kind).access(object_id)

    def acl_rules(self) -> list[AclRule]:
        """Return all access rules, in the order of their ids."""
        return read_acl_rules(self)

    def changes_after(self, seq: int, limit: int) -> list[Change]:
        """Return committed changes behind ``seq``, oldest first."""
        return [
            Change(row[0], ObjectKind(row[1]), row[2], row[3]) for row in self.query(_CHANGES, (seq, limit))
        ]

    def first_change(self) -> int:
        """Return the number of the oldest change that is still kept, 0 when there is none."""
        return int(self.value("SELECT COALESCE(MIN(seq), 0) FROM outbox"))

    def last_change(self) -> int:
        """Return the number of the newest change, 0 when there is none."""
        return int(self.value("SELECT COALESCE(MAX(seq), 0) FROM outbox"))


class Transaction(Snapshot):
    """The writer's view: what is changed here is on disk before anybody is told."""

    def object_access(self, kind: ObjectKind, object_id: int) -> ObjectAccess | None:
        """Return owner, permissions and lock of an object, which most likely is loaded next."""
        return self.pool(kind).access_to_change(object_id)


def read_acl_rules(reader: Reader) -> list[AclRule]:
    """Return all access rules, in the order of their ids."""
    return [
        AclRule(*row) for row in reader.query("SELECT id, user, resource, rights, zone FROM acl ORDER BY id")
    ]
