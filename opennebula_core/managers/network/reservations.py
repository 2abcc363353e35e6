"""Reservations: networks whose addresses are a block of another one's. Source: one.vn.reserve."""

from __future__ import annotations

import dataclasses
from typing import Final

from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError, InternalError
from opennebula_core.managers.objects import parse_text, require_text
from opennebula_core.managers.ownership import owned_by
from opennebula_core.managers.rights import require
from opennebula_core.model.addresses import index_of_ip, index_of_mac, nth_ip, nth_ip6, nth_mac
from opennebula_core.model.numbers import whole_number
from opennebula_core.model.objects import AddressRange, Network
from opennebula_core.model.template import Template, Vector

NET = ObjectKind.NET
PARENT_RANGE: Final = "PARENT_NETWORK_AR_ID"
MAX_SIZE: Final = 1 << 16
"""Each address of a reservation is a lease of its parent, a row of its own."""


@dataclasses.dataclass(frozen=True, slots=True)
class Wish:
    """What a client wants to reserve.

    :param range_id: -1: any range
    :param ip: first address; empty, with ``mac`` too: wherever there is room
    :param target_id: the reservation that the addresses are added to, -1: a new one
    """

    size: int
    name: str = ""
    range_id: int = -1
    ip: str = ""
    mac: str = ""
    target_id: int = -1

    @classmethod
    def of(cls, template: Template) -> Wish:
        """Return the wish of a client's template.

        :raises InternalError: a number is none
        """
        size = whole_number(template.get("SIZE", "1"), MAX_SIZE)
        if not size:
            raise InternalError(
                f"Wrong SIZE {template.get('SIZE')[:80]!r} of a reservation; "
                f"use a number from 1 to {MAX_SIZE}"
            )
        return cls(
            size,
            template.get("NAME"),
            _optional_id(template, "AR_ID"),
            template.get("IP"),
            template.get("MAC"),
            _optional_id(template, "NETWORK_ID"),
        )


def _optional_id(template: Template, name: str) -> int:
    text = template.get(name)
    number = whole_number(text) if text else -1
    if number is None:
        raise InternalError(f"Wrong {name} {text[:80]!r} of a reservation; use a number")
    return number


def reserve_method() -> Method:
    """Return ``one.vn.reserve``."""

    def prepare(network_id: int, text: str) -> tuple[object, ...]:
        return network_id, Wish.of(parse_text(text))

    return Method(
        "one.vn.reserve",
        (Param("id", int), Param("template", str)),
        (Need(NET, Right.USE, "id"),),
        Mode.WRITE,
        _reserve,
        "Take a block of a network's addresses as a network of the caller's, or add it to such a one.",
        prepare,
    )


def _reserve(tx: Transaction, session: Session, network_id: int, wish: Wish) -> int:
    parent = tx.networks.get(network_id)
    if parent.parent_id >= 0:
        raise ActionError("Cannot reserve addresses of a reservation; reserve from its parent.", network_id)
    if wish.target_id >= 0:
        reservation = _target(tx, session, parent, wish.target_id)
    else:
        reservation = _new_reservation(tx, session, parent, wish.name)
    source, first = _take(tx, parent, reservation.id, wish)
    tx.networks.add_range(reservation.id, _block(source, first, wish.size))
    tx.emit(NET, network_id, "update")
    return reservation.id


def _target(tx: Transaction, session: Session, parent: Network, target_id: int) -> Network:
    target = tx.networks.get(target_id)
    require(tx, session, NET, Right.MANAGE, target_id)
    if target.parent_id != parent.id:
        raise ActionError(
            f"Virtual network {target_id} is no reservation of virtual network {parent.id}.", target_id
        )
    return target


def _new_reservation(tx: Transaction, session: Session, parent: Network, name: str) -> Network:
    reservation = dataclasses.replace(
        parent,
        id=tx.next_id("network"),
        name=require_text("NAME", name),
        **owned_by(session),
        lock=None,
        template=parent.template.copy(),
        parent_id=parent.id,
        used_leases=0,
        cluster_ids=list(parent.cluster_ids),
        ranges=[],
    )
    tx.networks.allocate(reservation)
    return reservation


def _take(tx: Transaction, parent: Network, reservation_id: int, wish: Wish) -> tuple[AddressRange, int]:
    """Take the block, and return the range that it is of and where it begins there.

    :raises ActionError: there is no such room
    """
    for source in parent.ranges:
        if wish.range_id not in (-1, source.id):
            continue
        first = None
        if wish.ip or wish.mac:
            first = index_of_ip(source, wish.ip) if wish.ip else index_of_mac(source, wish.mac)
            if first is None:
                continue
        taken = tx.networks.reserve(parent.id, source.id, reservation_id, wish.size, first)
        if taken is not None:
            return source, taken
    raise ActionError(
        f"Cannot reserve {wish.size} addresses: no range has that many free ones in a row"
        f"{' from there' if wish.ip or wish.mac else ''}.",
        parent.id,
    )


def _block(source: AddressRange, first: int, size: int) -> AddressRange:
    return AddressRange(
        id=-1,
        type=source.type,
        size=size,
        mac=nth_mac(source, first),
        ip=nth_ip(source, first),
        global_prefix=source.global_prefix,
        ula_prefix=source.ula_prefix,
        attributes=Vector({**source.attributes, **_static_ip6(source, first), PARENT_RANGE: str(source.id)}),
    )


def _static_ip6(source: AddressRange, first: int) -> dict[str, str]:
    return nth_ip6(source, first) if source.static_ip6 else {}


def give_back(tx: Transaction, reservation: Network, gone: AddressRange) -> None:
    """Give a range of a reservation back to the network that it was taken from, if that is there."""
    parent = tx.networks.find(reservation.parent_id) if reservation.parent_id >= 0 else None
    source_id = whole_number(gone.attributes.get(PARENT_RANGE, ""))
    if parent is None or source_id is None:
        return
    source = next((found for found in parent.ranges if found.id == source_id), None)
    first = None if source is None else index_of_mac(source, gone.mac)
    if first is not None:
        tx.networks.give_block_back(parent.id, source_id, reservation.id, first, gone.size)
        tx.emit(NET, parent.id, "update")


def refuse_reserved(tx: Transaction, network: Network, gone: AddressRange) -> None:
    """Refuse to remove a range of which others have reservations.

    :raises ActionError: somebody has
    """
    holders = tx.networks.reservations_in(network.id, gone.id)
    if holders:
        raise ActionError(
            f"Address Range has reservations: virtual network {', '.join(map(str, holders[:10]))}; "
            f"remove them first.",
            network.id,
        )
