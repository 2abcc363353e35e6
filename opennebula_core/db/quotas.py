"""Quotas of users and groups: limits, and what is used of them, counted in the change that uses it.

What the jobs of a commit take is summed up and written once, at its end; only what may pass a limit is
written and checked at once. Who has limits is known in memory. User 0 and group 0 have no quotas.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from operator import add
from typing import Any, Final

from opennebula_core.db.connection import Writer
from opennebula_core.errors import AuthorizationError
from opennebula_core.model.quotas import (
    DEFAULT,
    METRICS,
    NO_ID,
    Limits,
    Owner,
    Quota,
    Resource,
    refusal_text,
)
from opennebula_core.model.takings import NOTHING, Taken, vm_amounts

EXEMPT: Final = 0
"""The id of the user and of the group that nothing is counted for."""
DEFAULTS: Final = -1
"""The owner's id in the rows that hold the defaults."""

_VM: Final = tuple(metric.column for metric in METRICS[Resource.VM])
_VM_USED: Final = tuple(f"{column}_used" for column in _VM)
_SHARED: Final = ("items", "size_mib")
_SHARED_USED: Final = ("items_used", "size_mib_used")
_VM_COLUMNS: Final = ", ".join((*_VM, *_VM_USED))
_SHARED_COLUMNS: Final = ", ".join((*_SHARED, *_SHARED_USED))
_EMPTY: Final = " AND ".join(
    [f"{column} = {DEFAULT}" for column in _SHARED] + [f"{column} = 0" for column in _SHARED_USED]
)
Key = tuple[str, int]
"""Whose: USER or GROUP, and the id."""
SharedKey = tuple[str, int, str, int]
"""Whose, and of what."""


_LIMITED: Final = "items <> -1 OR size_mib <> -1"
"""The condition of the index ``resource_quota_limited``, word for word."""
# What of limits there is for a user (first) and a group (second), and for all: mostly nothing.
_VM_LIMITS: Final = " UNION ALL ".join(
    f"SELECT owner_kind, owner_id, {_VM_COLUMNS} FROM vm_quota WHERE owner_kind = '{owner}' "
    f"AND owner_id IN (?, {DEFAULTS}) AND ({' OR '.join(f'{column} <> {DEFAULT}' for column in _VM)})"
    for owner in Owner
)
_SHARED_LIMITS: Final = " UNION ALL ".join(
    f"SELECT owner_kind, owner_id, resource, resource_id, {_SHARED_COLUMNS} "
    f"FROM resource_quota INDEXED BY resource_quota_limited "
    f"WHERE owner_kind = '{owner}' AND owner_id IN (?, {DEFAULTS}) AND ({_LIMITED})"
    for owner in Owner
)
_LIMITED_OWNERS: Final = (
    "SELECT owner_kind, owner_id FROM vm_quota "
    f"WHERE {' OR '.join(f'{column} <> {DEFAULT}' for column in _VM)} "
    f"UNION SELECT owner_kind, owner_id FROM resource_quota WHERE {_LIMITED}"
)
_VM_KEYS: Final = ("owner_kind", "owner_id")
_SHARED_KEYS: Final = (*_VM_KEYS, "resource", "resource_id")


def _adding(table: str, keys: tuple[str, ...], used: tuple[str, ...]) -> str:
    columns = (*keys, *used)
    sums = ", ".join(f"{column} = {column} + excluded.{column}" for column in used)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "
        f"ON CONFLICT DO UPDATE SET {sums}"
    )


_ADD_VMS: Final = _adding("vm_quota", _VM_KEYS, _VM_USED)
_ADD_SHARED: Final = _adding("resource_quota", _SHARED_KEYS, _SHARED_USED)
_FORGET_EMPTY: Final = (
    f"DELETE FROM resource_quota WHERE {' AND '.join(f'{name} = ?' for name in _SHARED_KEYS)} AND {_EMPTY}"
)


@lru_cache(maxsize=1024)
def vm_taken(row: tuple[Any, ...]) -> Taken:
    """Return what a VM takes, as its row says: owner, group, CPU, memory, way of counting, disks, shares."""
    uid, gid, cpu_percent, memory_mib, counted, disk_mib, shares = row
    taken = tuple(map(tuple, json.loads(shares))) if counted and shares != NOTHING else ()
    return Taken(uid, gid, vm_amounts(counted, cpu_percent, memory_mib, disk_mib), taken)


def image_taken(row: tuple[Any, ...]) -> Taken:
    """Return what an image takes, as its row says: owner, group, datastore, size, snapshots."""
    uid, gid, datastore_id, size_mib, snapshots_mib = row
    return Taken(uid, gid, (), ((Resource.DATASTORE, datastore_id, 1, size_mib + snapshots_mib),))


class Quotas:
    """The quotas, as seen by a snapshot or changed by a transaction."""

    def __init__(self, transaction: Writer) -> None:
        self.tx = transaction

    # -- counting --------------------------------------------------------------------------------

    def count(self, before: Taken | None, after: Taken | None) -> None:
        """Count what an object takes now instead of what it took before.

        :raises AuthorizationError: a limit is passed by what is taken more, and a request of the API asks
        """
        self.tx.taken.note(before, after)
        if self.tx.enforces_quotas and after is not None and self._may_be_limited(after):
            self.settle()
            vms, shared = _sums({after: 1} if before is None else {after: 1, before: -1})
            self._check_vms(after, {key: more for key, more in vms.items() if max(more) > 0})
            self._check_shares(after, {key: more for key, more in shared.items() if max(more) > 0})

    def settle(self) -> None:
        """Write what has been counted: at the end of a commit, and before anybody reads the sums."""
        if not self.tx.taken:
            return
        vms, shared = _sums(self.tx.taken.settle())
        if vms:
            self.tx.execute_many(_ADD_VMS, [(*key, *amounts) for key, amounts in vms.items()])
        if shared:
            self.tx.execute_many(_ADD_SHARED, [(*key, *amounts) for key, amounts in shared.items()])
        less = [key for key, amounts in shared.items() if min(amounts) < 0]
        if less:
            self.tx.execute_many(_FORGET_EMPTY, less)

    def _may_be_limited(self, taken: Taken) -> bool:
        """Return whether it is worth asking; limits that are gone, or were never committed, do no harm."""
        limited = self.tx.limited_owners
        if limited is None:
            limited = self.tx.limited_owners = set(self.tx.query(_LIMITED_OWNERS))
        if not limited:
            return False
        owners = [*_owners(taken), *((owner.value, DEFAULTS) for owner in Owner)]
        return not limited.isdisjoint(owners)

    def _check_vms(self, taken: Taken, more: Mapping[Key, tuple[int, ...]]) -> None:
        found = {row[:2]: row[2:] for row in self._limited(_VM_LIMITS, taken)} if more else {}
        if not found:
            return
        for (kind, owner_id), amounts in more.items():
            own, default = found.get((kind, owner_id)), found.get((kind, DEFAULTS))
            if own is None and default is not None:  # it has no limit of its own, but uses something
                own = self._numbers("vm_quota", _VM_KEYS, _VM_COLUMNS, (kind, owner_id))
            if own is not None:
                _check((kind, owner_id, Resource.VM, NO_ID), amounts, own, default)

    def _check_shares(self, taken: Taken, more: Mapping[SharedKey, tuple[int, ...]]) -> None:
        found = {row[:4]: row[4:] for row in self._limited(_SHARED_LIMITS, taken)} if more else {}
        if not found:
            return
        for key, amounts in more.items():
            own, default = found.get(key), found.get((key[0], DEFAULTS, *key[2:]))
            if own is None and default is not None:
                own = self._numbers("resource_quota", _SHARED_KEYS, _SHARED_COLUMNS, key)
            if own is not None:
                _check(key, amounts, own, default)

    def _limited(self, sql: str, taken: Taken) -> list[tuple[Any, ...]]:
        return self.tx.query(sql, (taken.uid, taken.gid))

    def _numbers(
        self, table: str, keys: tuple[str, ...], columns: str, key: tuple[Any, ...]
    ) -> tuple[int, ...] | None:
        condition = " AND ".join(f"{name} = ?" for name in keys)
        return self.tx.one(f"SELECT {columns} FROM {table} WHERE {condition}", key)

    # -- limits ----------------------------------------------------------------------------------

    def set_limits(self, owner: Owner, owner_id: int, wanted: Iterable[Limits]) -> None:
        """Replace the limits of these entries; others, and what is used, stay as they are.

        :param owner_id: :data:`DEFAULTS` for the limits of owners that have none of their own
        """
        self.settle()
        if self.tx.limited_owners is not None:
            self.tx.limited_owners.add((owner.value, owner_id))
        whose = {"owner_kind": owner, "owner_id": owner_id}
        for limits in wanted:
            if limits.resource is Resource.VM:
                self._set("vm_quota", whose, dict(zip(_VM, limits.numbers, strict=True)))
                continue
            of_what = {"resource": limits.resource, "resource_id": limits.resource_id}
            numbers = (*limits.numbers, DEFAULT)[: len(_SHARED)]
            self._set("resource_quota", {**whose, **of_what}, dict(zip(_SHARED, numbers, strict=True)))
        self.tx.execute(
            f"DELETE FROM resource_quota WHERE owner_kind = ? AND owner_id = ? AND {_EMPTY}",
            (owner, owner_id),
        )

    def _set(self, table: str, keys: Mapping[str, object], limits: Mapping[str, int]) -> None:
        names = (*keys, *limits)
        changes = ", ".join(f"{column} = excluded.{column}" for column in limits)
        self.tx.execute(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
            f"ON CONFLICT DO UPDATE SET {changes}",
            (*keys.values(), *limits.values()),
        )

    def drop_limits(self, owner: Owner, owner_id: int) -> None:
        """Forget the limits of an owner who is removed; what others still keep of his stays counted."""
        self.settle()
        for table, columns in (("vm_quota", _VM), ("resource_quota", _SHARED)):
            changes = ", ".join(f"{column} = {DEFAULT}" for column in columns)
            self.tx.execute(
                f"UPDATE {table} SET {changes} WHERE owner_kind = ? AND owner_id = ?", (owner, owner_id)
            )
            used = " AND ".join(f"{column}_used = 0" for column in columns)
            self.tx.execute(
                f"DELETE FROM {table} WHERE owner_kind = ? AND owner_id = ? AND {used}", (owner, owner_id)
            )

    # -- reading ---------------------------------------------------------------------------------

    def of(self, owner: Owner, owner_id: int) -> list[Quota]:
        """Return the entries of an owner, or the defaults (:data:`DEFAULTS`), in the order of their ids."""
        return self._read(owner, "= ?", (owner_id,)).get(owner_id, [])

    def by_owner(self, owner: Owner) -> dict[int, list[Quota]]:
        """Return the entries of all owners of a kind, the defaults among them, in two queries."""
        return self._read(owner, "IS NOT NULL", ())

    def _read(self, owner: Owner, condition: str, parameters: tuple[int, ...]) -> dict[int, list[Quota]]:
        self.settle()
        found: dict[int, list[Quota]] = {}
        where = f"WHERE owner_kind = ? AND owner_id {condition}"
        vms = self.tx.query(f"SELECT owner_id, {_VM_COLUMNS} FROM vm_quota {where}", (owner, *parameters))
        for owner_id, *numbers in vms:
            quota = Quota(Resource.VM, NO_ID, tuple(numbers[: len(_VM)]), tuple(numbers[len(_VM) :]))
            found.setdefault(owner_id, []).append(quota)
        rows = self.tx.query(
            f"SELECT owner_id, resource, resource_id, {_SHARED_COLUMNS} FROM resource_quota {where} "
            "ORDER BY owner_id, resource, resource_id",
            (owner, *parameters),
        )
        for owner_id, resource, resource_id, *numbers in rows:
            count = len(METRICS[Resource(resource)])
            limits, used = tuple(numbers[:count]), tuple(numbers[2 : 2 + count])
            found.setdefault(owner_id, []).append(Quota(Resource(resource), resource_id, limits, used))
        return found


def _owners(taken: Taken) -> Iterator[Key]:
    if taken.uid != EXEMPT:
        yield Owner.USER.value, taken.uid
    if taken.gid != EXEMPT:
        yield Owner.GROUP.value, taken.gid


def _sums(taken: Mapping[Taken, int]) -> tuple[dict[Key, tuple[int, ...]], dict[SharedKey, tuple[int, ...]]]:
    """Return what each owner takes more of VMs, and of shared things; what comes to nothing is left out."""
    vms: dict[Key, tuple[int, ...]] = {}
    shared: dict[SharedKey, tuple[int, ...]] = {}
    for one, times in taken.items():
        if not times:
            continue
        for owner in _owners(one):
            if one.vm:
                _add(vms, owner, one.vm, times)
            for resource, resource_id, items, size_mib in one.shares:
                _add(shared, (*owner, resource, resource_id), (items, size_mib), times)
    return (
        {key: amounts for key, amounts in vms.items() if any(amounts)},
        {key: amounts for key, amounts in shared.items() if any(amounts)},
    )


def _add(sums: dict[Any, tuple[int, ...]], key: Any, amounts: tuple[int, ...], times: int) -> None:
    present = sums.get(key)
    if times != 1:
        amounts = tuple([times * amount for amount in amounts])
    if present is not None:
        amounts = tuple(map(add, present, amounts))
    sums[key] = amounts


def _check(
    key: SharedKey, more: tuple[int, ...], own: tuple[int, ...], default: tuple[int, ...] | None
) -> None:
    """Refuse what passes a limit.

    :param own: limits, then what is used with what is taken more
    """
    kind, owner_id, resource, resource_id = key
    for place, metric in enumerate(METRICS[Resource(resource)]):
        limit, used = own[place], own[len(more) + place]
        if limit == DEFAULT and default is not None:
            limit = default[place]
        if more[place] > 0 and 0 <= limit < used:
            where = resource if resource == Resource.VM else f"{resource} with ID: {resource_id}"
            raise AuthorizationError(
                refusal_text(kind, owner_id, metric.text(limit), metric.name, where), owner_id
            )
