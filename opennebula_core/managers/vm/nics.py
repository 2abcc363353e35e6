"""A VM's NICs: addresses leased from networks, attributes inherited. Source: NIC of OpenNebula 6.10."""

from __future__ import annotations

from opennebula_core.contracts.method import ObjectKind, Right, Session
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.errors import InternalError, NotFoundError
from opennebula_core.managers.rights import require, require_on
from opennebula_core.model.addresses import index_of_ip, index_of_ip6, index_of_mac, nth_ip, nth_ip6, nth_mac
from opennebula_core.model.marks import remove_marks
from opennebula_core.model.numbers import whole_number
from opennebula_core.model.objects import AddressRange, Network, Vm
from opennebula_core.model.security_rules import DEFAULT_GROUP, group_ids
from opennebula_core.model.template import Vector

INHERITED = (
    "NETWORK_ADDRESS", "NETWORK_MASK", "GATEWAY", "GATEWAY6", "DNS", "GUEST_MTU", "SEARCH_DOMAIN", "METRIC",
    "METHOD", "IP6_METHOD", "IP6_METRIC", "MTU", "FILTER_IP_SPOOFING", "FILTER_MAC_SPOOFING",
    "INBOUND_AVG_BW", "INBOUND_PEAK_BW", "INBOUND_PEAK_KB", "OUTBOUND_AVG_BW", "OUTBOUND_PEAK_BW",
    "OUTBOUND_PEAK_KB",
)  # fmt: skip
"""Attributes of a network that its NICs carry; a range's own value wins.

Source: INHERIT_VNET_ATTR of 6.10.
"""
_ENFORCED = ("FILTER_IP_SPOOFING", "FILTER_MAC_SPOOFING")
"""Those of INHERITED in which a NIC may not differ from its network."""
_ADDRESSES = ("IP", "IP6", "IP6_GLOBAL", "IP6_ULA", "IP6_LINK", "VROUTER_IP", "VROUTER_IP6")
"""What a NIC may send from where its network filters: nothing but what was leased."""
_CORE_OWNED = ("BRIDGE", "BRIDGE_TYPE", "VN_MAD", "PHYDEV", "VLAN_ID", "OUTER_VLAN_ID")


def resolve_nics(tx: Transaction, session: Session, vm: Vm) -> None:
    """Complete every NIC of the template and lease its address.

    :raises RequestError: a network does not exist, may not be used, or has no such address left
    """
    if vm.template.vectors("NIC_ALIAS"):
        raise InternalError("NIC_ALIAS is not supported by this release; use a NIC of its own.")
    for number, nic in enumerate(vm.template.vectors("NIC")):
        complete_nic(tx, session, vm, nic, number)


def complete_nic(tx: Transaction, session: Session, vm: Vm, nic: Vector, nic_id: int) -> None:
    """Complete one NIC and lease its address, unless the scheduler is to choose its network.

    :raises RequestError: its network does not exist, may not be used, or has no such address left
    """
    for name, value in (vm.template.vector("NIC_DEFAULT") or Vector()).items():
        nic.setdefault(name, value)
    remove_marks(nic)
    nic["NIC_ID"] = str(nic_id)
    nic.setdefault("NAME", f"NIC{nic_id}")
    nic.pop("CLUSTER_ID", None)  # the network's, which says where the VM may run
    check_security_groups(tx, session, nic)
    if not is_waiting(nic):
        lease_nic(tx, session, vm, nic)


def is_waiting(nic: Vector) -> bool:
    """Return whether the scheduler is still to choose the NIC's network."""
    is_automatic = nic.get("NETWORK_MODE", "").lower() == "auto"
    return is_automatic and "NETWORK_ID" not in nic and "NETWORK" not in nic


def check_security_groups(tx: Transaction, session: Session, nic: Vector) -> None:
    """Check that the caller may use the groups that a NIC names beside its network's: each opens something.

    :raises RequestError: one is no number, does not exist, or may not be used
    """
    for word in nic.get("SECURITY_GROUPS", "").replace(" ", "").split(","):
        if word:
            group_id = whole_number(word)
            if group_id is None:
                raise InternalError(
                    f"Wrong SECURITY_GROUPS {word[:80]!r} in NIC; use ids with commas between."
                )
            require(tx, session, ObjectKind.SECGROUP, Right.USE, group_id)


def lease_nic(tx: Transaction, session: Session, vm: Vm, nic: Vector) -> None:
    """Lease an address for one NIC, and copy what drivers need to know of the network."""
    if "NETWORK_ID" not in nic and "NETWORK" not in nic:
        _without_network(vm, nic)
        return
    network = find_network(tx, session, nic)
    require_on(tx, session, ObjectKind.NET, Right.USE, network)
    address_range, index = _lease(tx, network, vm.id, nic)
    _describe(nic, network, address_range, index)
    nic["TARGET"] = f"one-{vm.id}-{nic['NIC_ID']}"


def _without_network(vm: Vm, nic: Vector) -> None:
    if not nic.get("MAC"):
        raise InternalError(f"NIC {nic['NIC_ID']} names neither NETWORK_ID nor NETWORK; name one of them.")
    nic["TARGET"] = f"one-{vm.id}-{nic['NIC_ID']}"


def find_network(tx: Snapshot, session: Session, nic: Vector) -> Network:
    """Return the network that a NIC names, by its id or by its name and owner.

    :raises RequestError: there is none
    """
    network_id = whole_number(nic.get("NETWORK_ID", ""))
    if network_id is not None:
        return tx.networks.get(network_id)
    if "NETWORK_ID" in nic:
        raise InternalError(f"Wrong NETWORK_ID {nic['NETWORK_ID'][:80]!r} in NIC.")
    uid = session.user_id
    named_uid = whole_number(nic.get("NETWORK_UID", ""))
    if named_uid is not None:
        uid = named_uid
    elif "NETWORK_UNAME" in nic:
        owner = tx.users.find_by_name(nic["NETWORK_UNAME"])
        uid = owner.id if owner is not None else -1
    network = tx.networks.find_by_name(nic["NETWORK"], uid)
    if network is None:
        raise NotFoundError(
            f"User {uid} does not own a network with name: {nic['NETWORK']} . "
            f"Set NETWORK_UNAME or NETWORK_UID of owner in NIC."
        )
    return network


def _lease(tx: Transaction, network: Network, vm_id: int, nic: Vector) -> tuple[AddressRange, int]:
    for address_range in network.ranges:
        if nic.get("AR_ID") not in (None, "", str(address_range.id)):
            continue
        wanted = _wanted_index(address_range, nic)
        if wanted == _NOT_HERE:
            continue
        index = tx.networks.take_lease(
            network.id, address_range.id, vm_id, int(nic["NIC_ID"]), None if wanted == _ANY else wanted
        )
        if index is not None:
            return address_range, index
    address = nic.get("IP") or nic.get("IP6") or nic.get("MAC")
    if address:
        raise InternalError(
            f"Cannot get IP/MAC lease from virtual network {network.id}: {address} is taken or not in it."
        )
    raise InternalError(f"Cannot get IP/MAC lease from virtual network {network.id}: no address is left.")


_ANY, _NOT_HERE = -1, -2


def _wanted_index(address_range: AddressRange, nic: Vector) -> int:
    if nic.get("IP"):
        index = index_of_ip(address_range, nic["IP"])
    elif nic.get("IP6"):
        index = index_of_ip6(address_range, nic["IP6"])
    elif nic.get("MAC"):
        index = index_of_mac(address_range, nic["MAC"])
    else:
        return _ANY
    return _NOT_HERE if index is None else index


def _describe(nic: Vector, network: Network, address_range: AddressRange, index: int) -> None:
    describe_network(nic, network, address_range.attributes)
    for name in _ADDRESSES:
        nic.pop(name, None)
    nic.update(AR_ID=str(address_range.id), MAC=nth_mac(address_range, index))
    addresses = {"IP": nth_ip(address_range, index), **nth_ip6(address_range, index)}
    nic.update({name: value for name, value in addresses.items() if value})
    if address_range.static_ip6:
        nic["PREFIX_LENGTH"] = address_range.attributes.get("PREFIX_LENGTH", "")


def describe_network(nic: Vector, network: Network, own: Vector) -> None:
    """Copy what drivers need to know of a network.

    :param own: attributes of the range that the address is of, which win
    """
    for name in _CORE_OWNED:
        nic.pop(name, None)
    nic.update(
        NETWORK=network.name,
        NETWORK_ID=str(network.id),
        BRIDGE=network.bridge,
        VN_MAD=network.vn_mad,
        CLUSTER_ID=",".join(str(cluster_id) for cluster_id in network.cluster_ids),
    )
    optional = {
        "BRIDGE_TYPE": network.bridge_type,
        "PHYDEV": network.phydev,
        "VLAN_ID": network.vlan_id,
        "OUTER_VLAN_ID": network.outer_vlan_id,
    }
    nic.update({name: value for name, value in optional.items() if value})
    for name in INHERITED:
        value = own.get(name) or network.template.get(name)
        if value and (name in _ENFORCED or name not in nic):
            nic[name] = value
    nic["SECURITY_GROUPS"] = _groups(
        nic.get("SECURITY_GROUPS", ""),
        network.template.get("SECURITY_GROUPS"),
        own.get("SECURITY_GROUPS", ""),
    )


def _groups(*texts: str) -> str:
    """Return the groups of a NIC: its own, its network's and its range's together."""
    return ",".join(map(str, group_ids(",".join(texts)))) or str(DEFAULT_GROUP)
