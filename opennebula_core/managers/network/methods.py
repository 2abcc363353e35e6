"""The API methods of virtual networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.pools.network import HELD_BY_HAND
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.network import render_network, render_network_in_pool
from opennebula_core.errors import ActionError, InternalError
from opennebula_core.managers.core import Core
from opennebula_core.managers.network.allocate import DEFAULT_CLUSTER, allocate_network, check_wires
from opennebula_core.managers.network.groups import GROUPS, check_groups, groups_named
from opennebula_core.managers.network.ranges import STATIC, free_attributes, new_range, set_size
from opennebula_core.managers.network.reservations import (
    PARENT_RANGE,
    give_back,
    refuse_reserved,
    reserve_method,
)
from opennebula_core.managers.objects import Kind, lock_methods, owned_methods, parse_text
from opennebula_core.managers.pools import info_method, pool_method
from opennebula_core.managers.restricted import check_restricted, keep_restricted
from opennebula_core.managers.vdc.membership import forget_resource
from opennebula_core.model.addresses import index_of_ip, index_of_ip6, index_of_mac
from opennebula_core.model.numbers import whole_number
from opennebula_core.model.objects import AddressRange, Network
from opennebula_core.model.security_rules import group_ids
from opennebula_core.model.template import Template, Vector

NET = ObjectKind.NET
_SPECIAL = ("BRIDGE", "BRIDGE_TYPE", "PHYDEV", "VLAN_ID", "OUTER_VLAN_ID", "VN_MAD")
_MANAGE = (Need(NET, Right.MANAGE, "id"),)
_ADMIN = (Need(NET, Right.ADMIN, "id"),)


def network_methods(core: Core) -> Iterable[Method]:
    """Return all methods of networks and their pool."""
    kind = Kind(
        "one.vn",
        NET,
        restricted=core.config.networks.restricted_attributes,
        kept=_SPECIAL,
        updated=_updated,
        other_bits=core.config.users.enable_other_permissions,
    )
    yield from owned_methods(kind)
    yield from lock_methods(kind)
    yield info_method("one.vn", NET, _render)
    yield pool_method("one.vnpool.info", NET, "VNET_POOL", _render_many)
    yield _allocate(core)
    yield Method(
        "one.vn.delete", (Param("id", int),), _MANAGE, Mode.WRITE, _delete, "Remove a network without leases."
    )
    yield reserve_method()
    yield from _range_methods(core)
    yield from _hold_methods()


def _render(tx: Snapshot, network: Network) -> str:
    tx.networks.load_leases(network)
    return render_network(network)


def _render_many(tx: Snapshot, networks: Iterable[Network]) -> Iterable[str]:
    return map(render_network_in_pool, networks)


def _updated(tx: Transaction, session: Session, changed: object, template: Template) -> None:
    assert isinstance(changed, Network)
    present = tx.networks.get(changed.id).template
    check_groups(tx, session, groups_named(template), groups_named(present))
    for name, attribute in (
        ("BRIDGE", "bridge"),
        ("PHYDEV", "phydev"),
        ("VLAN_ID", "vlan_id"),
        ("OUTER_VLAN_ID", "outer_vlan_id"),
        ("BRIDGE_TYPE", "bridge_type"),
        ("VN_MAD", "vn_mad"),
    ):
        setattr(changed, attribute, template.get(name) or getattr(changed, attribute))
    check_wires(changed)


def _allocate(core: Core) -> Method:
    def prepare(text: str, cluster_id: int) -> tuple[object, ...]:
        return parse_text(text), cluster_id

    def allocate(tx: Transaction, session: Session, template: Template, cluster_id: int) -> int:
        # As in OpenNebula, whoever may make networks chooses their wires; restricted is what owners change.
        cluster_ids = [DEFAULT_CLUSTER if cluster_id < 0 else tx.clusters.get(cluster_id).id]
        return allocate_network(tx, session, template, cluster_ids, core.config.networks.mac_prefix)

    return Method(
        "one.vn.allocate",
        (Param("template", str), Param("cluster", int, -1)),
        (Need(NET, Right.CREATE), Need(ObjectKind.CLUSTER, Right.ADMIN, "cluster", 0)),
        Mode.WRITE,
        allocate,
        "Make a network from a template text.",
        prepare,
    )


def _delete(tx: Transaction, session: Session, network_id: int) -> int:
    network = tx.networks.get(network_id)
    if network.used_leases:
        raise ActionError(
            "Cannot delete virtual network. Can not remove a virtual network with leases in use", network_id
        )
    for held in network.ranges:
        give_back(tx, network, held)
    forget_resource(tx, NET, network_id)
    tx.networks.drop(network_id)
    return network_id


def _one_range(template: Template) -> Vector:
    vector = template.vector("AR") or template.vector("LEASES")
    if vector is None:
        raise InternalError("Missing AR or LEASES vector in template")
    return vector


def _range_methods(core: Core) -> Iterable[Method]:
    both = (Param("id", int), Param("template", str))
    add, update = _add_range(core), _update_range(core)
    prepare = _prepare_range
    yield Method("one.vn.add_ar", both, _ADMIN, Mode.WRITE, add, "Add an address range.", prepare)
    yield Method("one.vn.update_ar", both, _MANAGE, Mode.WRITE, update, "Change an address range.", prepare)
    yield Method(
        "one.vn.rm_ar",
        (Param("id", int), Param("range", int), Param("force", bool, False)),
        _ADMIN,
        Mode.WRITE,
        _remove_range,
        "Remove an address range.",
    )


def _prepare_range(network_id: int, text: str) -> tuple[object, ...]:
    return network_id, _one_range(parse_text(text))


RangeChange = Callable[[Transaction, Session, int, Vector], int]


def _add_range(core: Core) -> RangeChange:
    restricted, mac_prefix = core.config.networks.restricted_attributes, core.config.networks.mac_prefix

    def add(tx: Transaction, session: Session, network_id: int, vector: Vector) -> int:
        check_restricted(session, Template((("AR", vector),)), restricted, "Address Range")
        network = tx.networks.get(network_id)
        if network.parent_id >= 0:
            raise ActionError(
                f"A reservation gets its addresses from virtual network {network.parent_id}; "
                f"reserve more of them with NETWORK_ID={network_id}.",
                network_id,
            )
        tx.networks.add_range(network.id, new_range(vector, mac_prefix, network.id))
        return network_id

    return add


def _update_range(core: Core) -> RangeChange:
    restricted = core.config.networks.restricted_attributes

    def update(tx: Transaction, session: Session, network_id: int, vector: Vector) -> int:
        network = tx.networks.get(network_id)
        changed = tx.networks.range_of(network, _range_id(vector))
        attributes = _new_attributes(session, vector, changed, restricted)
        wanted, present = (set(group_ids(held.get(GROUPS, ""))) for held in (attributes, changed.attributes))
        check_groups(tx, session, wanted, present)
        size = changed.size
        set_size(changed, vector.get("SIZE", str(size)))
        if network.parent_id >= 0 and changed.size != size:
            raise ActionError(
                "The size of a reservation stays; reserve more, or remove the range.", network_id
            )
        if changed.size < _highest(tx, network, changed) + 1:
            raise ActionError("New SIZE of the address range would cut leases in use off.", network_id)
        kept = (PARENT_RANGE, *STATIC) if changed.static_ip6 else (PARENT_RANGE,)
        attributes |= {name: changed.attributes[name] for name in kept if name in changed.attributes}
        changed.attributes = attributes
        tx.networks.update_range(network_id, changed)
        return network_id

    return update


def _remove_range(tx: Transaction, session: Session, network_id: int, range_id: int, force: bool) -> int:
    network = tx.networks.get(network_id)
    gone = tx.networks.range_of(network, range_id)
    if gone.used_leases and not force:
        raise ActionError("Address Range has leases in use; use force to remove it all the same.", network_id)
    refuse_reserved(tx, network, gone)
    give_back(tx, network, gone)
    tx.networks.drop_range(network_id, range_id)
    return network_id


def _new_attributes(
    session: Session, vector: Vector, present: AddressRange, restricted: Iterable[str]
) -> Vector:
    """Return a range's free attributes after an update; what is restricted stays, named or not.

    :raises AuthorizationError: the caller may not change one
    """
    own = [entry.removeprefix("AR/") for entry in map(str.upper, restricted) if entry.startswith("AR/")]
    given, before = Template(free_attributes(vector).items()), Template(present.attributes.items())
    check_restricted(session, given, own, "Address Range", before)
    keep_restricted(session, given, before, own)
    return Vector({name: value for name, value in given if isinstance(value, str)})


def _range_id(vector: Vector) -> int:
    text = vector.get("AR_ID", "")
    number = whole_number(text)
    if number is None:
        raise InternalError(f"Wrong or missing AR_ID {text[:80]!r} in address range")
    return number


def _highest(tx: Transaction, network: Network, address_range: AddressRange) -> int:
    return int(
        tx.value(
            'SELECT COALESCE(MAX("index"), -1) FROM lease WHERE network_id = ? AND range_id = ?',
            (network.id, address_range.id),
        )
    )


def _hold_methods() -> Iterable[Method]:
    def hold(tx: Transaction, session: Session, network_id: int, vector: Vector) -> int:
        network = tx.networks.get(network_id)
        for address_range, index in _addressed(network, vector):
            if tx.networks.take_lease(network_id, address_range.id, HELD_BY_HAND, index=index) is None:
                break
            return network_id
        raise ActionError("Address is not part of the address range or in use.", network_id)

    def release(tx: Transaction, session: Session, network_id: int, vector: Vector) -> int:
        network = tx.networks.get(network_id)
        for address_range, index in _addressed(network, vector):
            if tx.networks.lease_holder(network_id, address_range.id, index) == HELD_BY_HAND:
                tx.networks.release_lease(network_id, address_range.id, index)
                return network_id
        raise ActionError("Address is not on hold.", network_id)

    both = (Param("id", int), Param("template", str))
    yield Method(
        "one.vn.hold", both, _MANAGE, Mode.WRITE, hold, "Keep an address from being leased.", _prepare_range
    )
    yield Method(
        "one.vn.release", both, _MANAGE, Mode.WRITE, release, "Let a held address be leased.", _prepare_range
    )


def _addressed(network: Network, vector: Vector) -> Iterable[tuple[AddressRange, int]]:
    for address_range in network.ranges:
        if vector.get("AR_ID", str(address_range.id)) != str(address_range.id):
            continue
        ip, ip6, mac = (vector.get(name, "") for name in ("IP", "IP6", "MAC"))
        if ip:
            index = index_of_ip(address_range, ip)
        elif ip6:
            index = index_of_ip6(address_range, ip6)
        else:
            index = index_of_mac(address_range, mac)
        if index is not None:
            yield address_range, index
