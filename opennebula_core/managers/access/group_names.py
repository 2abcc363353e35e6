"""The name of a group beside its id in all that it owns, which follows when the group is renamed.

What is few follows in the same transaction. VMs may be many, those that have ended among them, and have the
name in their documents: they follow from the newest to the oldest, a window of ids in each job of the writer,
so that no request waits for all of them. How far that has come is kept with it, and goes on after a crash.
"""

from __future__ import annotations

import asyncio
from typing import Final

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Transaction
from opennebula_core.documents.fragments import renamed_group, text
from opennebula_core.model.objects import PoolObject

AT_ONCE: Final = 100
"""Ids of VMs that one job looks at."""
_OWNED: Final = (
    ObjectKind.NET,
    ObjectKind.IMAGE,
    ObjectKind.TEMPLATE,
    ObjectKind.VNTEMPLATE,
    ObjectKind.VMGROUP,
    ObjectKind.DATASTORE,
    ObjectKind.SECGROUP,
    ObjectKind.USER,
)
_KEY: Final = "group renamed "
"""Of a setting: the group's id follows; its value is the lowest VM that has been looked at."""
_OPEN: Final = f"SELECT key, value FROM setting WHERE key >= '{_KEY}' AND key < '{_KEY}:' LIMIT 1"
_RENAME: Final = f"""UPDATE vm SET gname = :name, doc_head = {renamed_group("doc_head", ":text")},
    doc_short_head = {renamed_group("doc_short_head", ":text")}, revision = revision + 1
    WHERE id >= :first AND id < :end AND gid = :gid AND gname <> :name RETURNING id"""


class GroupNames:
    """Lets names follow, in the background where there is much to do."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._begun = asyncio.Event()

    def renamed(self, tx: Transaction, group: PoolObject) -> None:
        """Change the name in what the group owns, in its newest VMs at once; called in the renaming job."""
        for kind in _OWNED:
            table = tx.pool(kind).statements.table
            for (object_id,) in tx.query(
                f'UPDATE "{table}" SET gname = ? WHERE gid = ? RETURNING id', (group.name, group.id)
            ):
                tx.emit(kind, object_id, "update")
        end = int(tx.value("SELECT COALESCE(MAX(id) + 1, 0) FROM vm"))
        tx.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (f"{_KEY}{group.id}", str(end)))
        _follow(tx, group.id, end)
        tx.after_commit(self._begun.set)

    async def run(self) -> None:
        """Run for ever: have the VMs follow that are left, also from before a restart."""
        while True:
            self._begun.clear()
            while await self._store.write(follow):
                await asyncio.sleep(0)
            await self._begun.wait()


def follow(tx: Transaction) -> bool:
    """Let the next VMs of a renamed group follow; return whether there was anything to do."""
    row = tx.one(_OPEN)
    if row is not None:
        _follow(tx, int(row[0].removeprefix(_KEY)), int(row[1]))
    return row is not None


def _follow(tx: Transaction, group_id: int, end: int) -> None:
    group, first = tx.groups.find(group_id), max(end - AT_ONCE, 0)
    if group is not None:
        _rename(tx, group, first, end)
    key = f"{_KEY}{group_id}"
    if first and group is not None:
        tx.execute("UPDATE setting SET value = ? WHERE key = ?", (str(first), key))
    else:
        tx.execute("DELETE FROM setting WHERE key = ?", (key,))


def _rename(tx: Transaction, group: PoolObject, first: int, end: int) -> None:
    values = {"name": group.name, "text": text(group.name), "gid": group.id, "first": first, "end": end}
    for (vm_id,) in tx.connection.execute(_RENAME, values).fetchall():
        tx.emit(ObjectKind.VM, vm_id, "update")
