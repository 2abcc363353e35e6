"""Virtual networks, their address ranges, and the leases that VMs hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.pool import Child, NameScope, Pool
from opennebula_core.db.tables import NetworkRow
from opennebula_core.errors import InternalError
from opennebula_core.model.objects import FIRST_RESERVATION, AddressRange, Lease, Network
from opennebula_core.model.quotas import Resource
from opennebula_core.model.states import NetworkState
from opennebula_core.model.takings import Taken
from opennebula_core.model.template import Vector

HELD_BY_HAND = -1
_RANGE_COLUMNS = "id, type, size, mac, ip, global_prefix, ula_prefix, attributes, used_leases"
_ATTRIBUTES = _RANGE_COLUMNS.split(", ").index("attributes")
_TAKE_FIRST_FREE = """INSERT INTO lease SELECT network_id, id, first_free, ?, ? FROM address_range
    WHERE network_id = ? AND id = ? AND first_free < size ON CONFLICT DO NOTHING RETURNING "index" AS taken"""
# Below an address that was searched for all are taken, below one that was asked for not.
_COUNT_LEASE = """UPDATE address_range SET used_leases = used_leases + 1,
    first_free = CASE WHEN ? OR first_free = ? THEN ? + 1 ELSE first_free END
    WHERE network_id = ? AND id = ?"""
_RESERVED = """SELECT uid, gid, parent_id,
        (SELECT COALESCE(SUM(size), 0) FROM address_range WHERE network_id = network.id)
    FROM network WHERE id = ? AND parent_id >= 0"""
_NEXT_GAP = """SELECT "index" + 1 FROM lease AS l WHERE network_id = ? AND range_id = ? AND "index" >= ?
    AND NOT EXISTS (SELECT 1 FROM lease WHERE network_id = l.network_id AND range_id = l.range_id
                    AND "index" = l."index" + 1) ORDER BY "index" LIMIT 1"""


def _ranges(rows: list[list[Any]]) -> list[AddressRange]:
    for row in rows:
        row[_ATTRIBUTES] = Vector(json.loads(row[_ATTRIBUTES]))
    return [AddressRange(*row) for row in sorted(rows, key=itemgetter(0))]


class NetworkPool(Pool[Network]):
    """The networks. A lease is a row; taking one costs the same however many there are."""

    row = NetworkRow
    value = Network
    kind = ObjectKind.NET
    title = "virtual network"
    names = NameScope.OWNER
    decoders = {  # noqa: RUF012 - a ClassVar of the base class
        "state": NetworkState,
        "prev_state": NetworkState,
        "vlan_id_automatic": bool,
        "outer_vlan_id_automatic": bool,
    }
    children = {  # noqa: RUF012 - a ClassVar of the base class
        "cluster_ids": Child("cluster_id", "cluster_network WHERE network_id = t1.id"),
        # Without their leases.
        "ranges": Child(f"json_array({_RANGE_COLUMNS})", "address_range WHERE network_id = t1.id", _ranges),
    }

    def state_text(self, value: Network) -> str:
        """Return STATE."""
        return value.state.name

    def cluster_ids(self, object_id: int) -> tuple[int, ...]:
        """Return the clusters that have the network."""
        rows = self.tx.query(
            "SELECT cluster_id FROM cluster_network WHERE network_id = ? ORDER BY cluster_id", (object_id,)
        )
        return tuple(row[0] for row in rows)

    def load_leases(self, network: Network) -> None:
        """Fill the leases of all ranges."""
        for address_range in network.ranges:
            rows = self.tx.query(
                'SELECT "index", vm_id FROM lease WHERE network_id = ? AND range_id = ? ORDER BY "index"',
                (network.id, address_range.id),
            )
            address_range.leases = [Lease(*row) for row in rows]

    def save(self, changed: Network, event: str = "update") -> None:
        """Write the network back; what a reservation takes is counted for whoever owns it now."""
        with self._counting(changed.id):
            super().save(changed, event)

    def drop(self, object_id: int) -> None:
        """Remove the network; a reservation gives back what it took of its owner's quota."""
        with self._counting(object_id):
            super().drop(object_id)

    @contextmanager
    def _counting(self, network_id: int) -> Iterator[None]:
        """Count in quotas what a reservation has of its parent before and after a change."""
        before = self._reserved(network_id)
        yield
        after = self._reserved(network_id)
        if before != after:
            self.quotas.count(before, after)

    def _reserved(self, network_id: int) -> Taken | None:
        row = self.tx.one(_RESERVED, (network_id,))
        if row is None:
            return None
        uid, gid, parent_id, size = row
        return Taken(uid, gid, (), ((Resource.NETWORK, parent_id, size, 0),))

    def save_children(self, saved: Network) -> None:
        """Write the clusters; ranges are changed by the methods below."""
        self.tx.execute("DELETE FROM cluster_network WHERE network_id = ?", (saved.id,))
        self.tx.execute_many(
            "INSERT INTO cluster_network (cluster_id, network_id) VALUES (?, ?)",
            [(cluster_id, saved.id) for cluster_id in saved.cluster_ids],
        )

    def drop_children(self, object_id: int) -> None:
        """Remove ranges, leases and memberships."""
        for table in ("address_range", "lease", "cluster_network"):
            self.tx.execute(f"DELETE FROM {table} WHERE network_id = ?", (object_id,))

    # -- ranges ----------------------------------------------------------------------------------

    def add_range(self, network_id: int, new: AddressRange) -> int:
        """Add a range, with the next free range id when ``new.id`` is negative, and return its id."""
        if new.id < 0:
            new.id = int(
                self.tx.value(
                    "SELECT COALESCE(MAX(id) + 1, 0) FROM address_range WHERE network_id = ?", (network_id,)
                )
            )
        with self._counting(network_id):
            self.tx.execute(
                f"INSERT INTO address_range (network_id, {_RANGE_COLUMNS}, first_free) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
                (network_id, new.id, new.type, new.size, new.mac, new.ip, new.global_prefix, new.ula_prefix,
                 json.dumps(new.attributes), 0),
            )  # fmt: skip
        self.tx.emit(self.kind, network_id, "update")
        return new.id

    def update_range(self, network_id: int, changed: AddressRange) -> None:
        """Write size and attributes of a range back."""
        with self._counting(network_id):
            self.tx.execute(
                "UPDATE address_range SET size = ?, attributes = ? WHERE network_id = ? AND id = ?",
                (changed.size, json.dumps(changed.attributes), network_id, changed.id),
            )
        self.tx.emit(self.kind, network_id, "update")

    def drop_range(self, network_id: int, range_id: int) -> None:
        """Remove a range and its leases."""
        self.tx.execute("DELETE FROM lease WHERE network_id = ? AND range_id = ?", (network_id, range_id))
        with self._counting(network_id):
            self.tx.execute(
                "DELETE FROM address_range WHERE network_id = ? AND id = ?", (network_id, range_id)
            )
        self._count(network_id)
        self.tx.emit(self.kind, network_id, "update")

    # -- leases ----------------------------------------------------------------------------------

    def take_lease(
        self, network_id: int, range_id: int, vm_id: int, nic_id: int = -1, index: int | None = None
    ) -> int | None:
        """Take the lowest free address of a range, or the one at ``index``; None when there is none.

        Everything below ``first_free`` is taken, so the search starts there.
        """
        taken = None
        if index is None:
            taken = self.tx.value(_TAKE_FIRST_FREE, (vm_id, nic_id, network_id, range_id))
        if taken is None:
            taken = self._take_elsewhere(network_id, range_id, vm_id, nic_id, index)
        if taken is None:
            return None
        self.tx.execute(_COUNT_LEASE, (index is None, taken, taken, network_id, range_id))
        self.tx.execute("UPDATE network SET used_leases = used_leases + 1 WHERE id = ?", (network_id,))
        return int(taken)

    def _take_elsewhere(
        self, network_id: int, range_id: int, vm_id: int, nic_id: int, index: int | None
    ) -> int | None:
        row = self.tx.one(
            "SELECT size, first_free FROM address_range WHERE network_id = ? AND id = ?",
            (network_id, range_id),
        )
        if row is None:
            return None
        size, first_free = row
        wanted = self._free_from(network_id, range_id, first_free) if index is None else index
        if not 0 <= wanted < size or self._is_taken(network_id, range_id, wanted):
            return None
        self.tx.execute(
            "INSERT INTO lease VALUES (?, ?, ?, ?, ?)", (network_id, range_id, wanted, vm_id, nic_id)
        )
        return wanted

    def _free_from(self, network_id: int, range_id: int, first: int) -> int:
        if not self._is_taken(network_id, range_id, first):
            return first
        return int(self.tx.value(_NEXT_GAP, (network_id, range_id, first)))

    def _is_taken(self, network_id: int, range_id: int, index: int) -> bool:
        taken = self.tx.one(
            'SELECT 1 FROM lease WHERE network_id = ? AND range_id = ? AND "index" = ?',
            (network_id, range_id, index),
        )
        return taken is not None

    def reserve(
        self, network_id: int, range_id: int, reservation_id: int, size: int, first: int | None = None
    ) -> int | None:
        """Take a block of addresses for a reservation; None when there is none of that size.

        :param first: where the block begins; None: at the first place with room
        :returns: where it begins
        """
        row = self.tx.one(
            "SELECT size, first_free FROM address_range WHERE network_id = ? AND id = ?",
            (network_id, range_id),
        )
        if row is None:
            return None
        room, first_free = row
        start = self._gap(network_id, range_id, first_free if first is None else first, size, room)
        if start is None or (first is not None and start != first):
            return None
        self.tx.execute_many(
            "INSERT INTO lease VALUES (?, ?, ?, ?, -1)",
            (
                (network_id, range_id, index, FIRST_RESERVATION - reservation_id)
                for index in range(start, start + size)
            ),
        )
        self.tx.execute(
            "UPDATE address_range SET used_leases = used_leases + ?, "
            "first_free = CASE WHEN first_free = ? THEN ? ELSE first_free END "
            "WHERE network_id = ? AND id = ?",
            (size, start, start + size, network_id, range_id),
        )
        self.tx.execute("UPDATE network SET used_leases = used_leases + ? WHERE id = ?", (size, network_id))
        return start

    def _gap(self, network_id: int, range_id: int, first: int, size: int, room: int) -> int | None:
        """Return where ``size`` free addresses in a row begin, at ``first`` or behind it."""
        taken = self.tx.connection.execute(
            'SELECT "index" FROM lease WHERE network_id = ? AND range_id = ? AND "index" >= ? '
            'ORDER BY "index"',
            (network_id, range_id, first),
        )
        start = first
        for (index,) in taken:
            if index - start >= size:
                break
            start = index + 1
        return start if start + size <= room else None

    def give_block_back(
        self, network_id: int, range_id: int, reservation_id: int, first: int, size: int
    ) -> None:
        """Give addresses of a reservation back to the network that they were taken from."""
        given = self.tx.execute(
            'DELETE FROM lease WHERE network_id = ? AND range_id = ? AND "index" BETWEEN ? AND ? '
            "AND vm_id = ?",
            (network_id, range_id, first, first + size - 1, FIRST_RESERVATION - reservation_id),
        )
        if given:
            self.tx.execute(
                "UPDATE address_range SET used_leases = used_leases - ?, first_free = MIN(first_free, ?) "
                "WHERE network_id = ? AND id = ?",
                (given, first, network_id, range_id),
            )
            self.tx.execute(
                "UPDATE network SET used_leases = used_leases - ? WHERE id = ?", (given, network_id)
            )

    def reservations_in(self, network_id: int, range_id: int) -> list[int]:
        """Return the networks that have reserved addresses of a range."""
        rows = self.tx.query(
            "SELECT DISTINCT vm_id FROM lease WHERE network_id = ? AND range_id = ? AND vm_id <= ?",
            (network_id, range_id, FIRST_RESERVATION),
        )
        return sorted(FIRST_RESERVATION - row[0] for row in rows)

    def lease_holder(self, network_id: int, range_id: int, index: int) -> int | None:
        """Return the VM that holds an address (-1: held by hand), None when it is free."""
        held: int | None = self.tx.value(
            'SELECT vm_id FROM lease WHERE network_id = ? AND range_id = ? AND "index" = ?',
            (network_id, range_id, index),
        )
        return held

    def release_lease(self, network_id: int, range_id: int, index: int) -> bool:
        """Give one address back; return whether it was taken."""
        gone = self.tx.query(
            'DELETE FROM lease WHERE network_id = ? AND range_id = ? AND "index" = ? RETURNING 1',
            (network_id, range_id, index),
        )
        if gone:
            self._given_back(network_id, range_id, index)
        return bool(gone)

    def release_vm(self, vm_id: int, nic_id: int | None = None) -> None:
        """Give back the addresses of a VM, or of one of its NICs."""
        condition, values = (
            ("vm_id = ?", [vm_id]) if nic_id is None else ("vm_id = ? AND nic_id = ?", [vm_id, nic_id])
        )
        rows = self.tx.query(
            f'DELETE FROM lease WHERE {condition} RETURNING network_id, range_id, "index"', values
        )
        for network_id, range_id, index in rows:
            self._given_back(network_id, range_id, index)

    def _given_back(self, network_id: int, range_id: int, index: int) -> None:
        self.tx.execute(
            "UPDATE address_range SET used_leases = used_leases - 1, first_free = MIN(first_free, ?) "
            "WHERE network_id = ? AND id = ?",
            (index, network_id, range_id),
        )
        self.tx.execute("UPDATE network SET used_leases = used_leases - 1 WHERE id = ?", (network_id,))

    def _count(self, network_id: int) -> None:
        self.tx.execute(
            "UPDATE network SET used_leases = (SELECT COUNT(*) FROM lease WHERE network_id = ?) WHERE id = ?",
            (network_id, network_id),
        )

    def range_of(self, network: Network, range_id: int) -> AddressRange:
        """Return a range of the network.

        :raises InternalError: there is none with that id
        """
        for address_range in network.ranges:
            if address_range.id == range_id:
                return address_range
        raise InternalError(f"Address Range does not exist: {range_id}", network.id)
