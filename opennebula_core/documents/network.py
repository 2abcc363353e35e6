"""VNET documents: with leases and computed addresses (info), or compact (pool)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import cdata, element, ids, lock, owned, permissions
from opennebula_core.model.acl import ID_MASK, KIND_BITS
from opennebula_core.model.addresses import interface_id, mac_number, mac_text
from opennebula_core.model.objects import AddressRange, Lease, Network
from opennebula_core.model.template import Vector
from opennebula_core.model.template_xml import render_leaf, render_vector

_OWN = escape_document(
    "<BRIDGE>%s</BRIDGE><BRIDGE_TYPE>%s</BRIDGE_TYPE><STATE><![CDATA[%d]]></STATE>"
    "<PREV_STATE><![CDATA[%d]]></PREV_STATE><PARENT_NETWORK_ID>%s</PARENT_NETWORK_ID><VN_MAD>%s</VN_MAD>"
    "<PHYDEV>%s</PHYDEV><VLAN_ID>%s</VLAN_ID><OUTER_VLAN_ID>%s</OUTER_VLAN_ID>"
    "<VLAN_ID_AUTOMATIC>%d</VLAN_ID_AUTOMATIC><OUTER_VLAN_ID_AUTOMATIC>%d</OUTER_VLAN_ID_AUTOMATIC>"
    "<USED_LEASES>%d</USED_LEASES>"
)
_NO_ROUTERS: Final = ids("VROUTERS", ())
_NOT_UPDATED: Final = "".join(ids(name, ()) for name in ("OUTDATED_VMS", "UPDATING_VMS", "ERROR_VMS"))
"""NICs keep what they have got of their network."""
_USED = escape_document("<USED_LEASES>%d</USED_LEASES>")
_START, _END = escape_document("<VNET>"), escape_document("</VNET>")
_RANGE_END = escape_document("</AR>")
_LEASE = escape_document("<LEASE>%s<MAC><![CDATA[%s]]></MAC><%s><![CDATA[%d]]></%s></LEASE>")
_LEASE_IP = escape_document("<IP><![CDATA[%s]]></IP>")
_LEASE_IP6 = escape_document("<%s><![CDATA[%s]]></%s>")
_NO_LEASES = escape_document("<LEASES/>")
_LINK_PREFIX: Final = int(IPv6Address("fe80::"))


def render_network(network: Network) -> str:
    """Return the document of ``one.vn.info``; the ranges hold their leases."""
    return _document(network, _range_with_leases)


def render_network_in_pool(network: Network) -> str:
    """Return the document in ``one.vnpool.info``; leases in compact form if the ranges hold them."""
    return _document(network, _range_in_pool)


def _document(network: Network, render_range: Callable[[AddressRange], str]) -> str:
    own = _OWN % (
        cdata(network.bridge), cdata(network.bridge_type), network.state, network.prev_state,
        network.parent_id if network.parent_id >= 0 else "", cdata(network.vn_mad), cdata(network.phydev),
        cdata(network.vlan_id), cdata(network.outer_vlan_id), network.vlan_id_automatic,
        network.outer_vlan_id_automatic, network.used_leases,
    )  # fmt: skip
    return "".join(
        (
            _START,
            owned(network),
            lock(network.lock),
            permissions(network.permissions),
            ids("CLUSTERS", network.cluster_ids),
            own,
            _NO_ROUTERS,
            ids("UPDATED_VMS", _vm_ids(network)),
            _NOT_UPDATED,
            network.template.to_xml(escaped=True),
            element("AR_POOL", "".join(map(render_range, network.ranges))),
            _END,
        )
    )


def _vm_ids(network: Network) -> list[int]:
    """Return the VMs that hold an address, as far as the ranges hold their leases."""
    leases = (lease for address_range in network.ranges for lease in address_range.leases)
    return sorted({lease.vm_id for lease in leases if lease.vm_id >= 0})


def _stored(address_range: AddressRange) -> Vector:
    """Return what was given or chosen when the range was made."""
    stored = Vector(address_range.attributes)
    stored |= {
        "AR_ID": str(address_range.id),
        "MAC": address_range.mac,
        "SIZE": str(address_range.size),
        "TYPE": address_range.type,
    }
    chosen = {
        "IP": address_range.ip,
        "GLOBAL_PREFIX": address_range.global_prefix,
        "ULA_PREFIX": address_range.ula_prefix,
    }
    stored |= {name: value for name, value in chosen.items() if value}
    return stored


def _range_in_pool(address_range: AddressRange) -> str:
    stored = _stored(address_range)
    if address_range.leases:
        stored["ALLOCATED"] = "".join(
            f" {lease.index} {_holder_bits(lease)}" for lease in address_range.leases
        )
    used = _USED % address_range.used_leases
    return render_vector("AR", stored, escaped=True).removesuffix(_RANGE_END) + used + _RANGE_END


def _holder_bits(lease: Lease) -> int:
    name, number, _ = _holder(lease)
    return KIND_BITS["VM" if name == "VM" else "NET"] | number & ID_MASK


def _range_with_leases(address_range: AddressRange) -> str:
    addresses = _Addresses(address_range)
    computed = "".join(render_leaf(name, value, escaped=True) for name, value in addresses.ends())
    leases = "".join(
        _LEASE % (addresses.escaped_ips(lease.index), addresses.mac(lease.index), *_holder(lease))
        for lease in address_range.leases
    )
    return "".join(
        (
            render_vector("AR", _stored(address_range), escaped=True).removesuffix(_RANGE_END),
            computed,
            _USED % address_range.used_leases,
            element("LEASES", leases) if leases else _NO_LEASES,
            _RANGE_END,
        )
    )


def _holder(lease: Lease) -> tuple[str, int, str]:
    """Return the element that names a lease's holder, its number, and the element again."""
    reservation_id = lease.reservation_id
    return ("VM", lease.vm_id, "VM") if reservation_id < 0 else ("VNET", reservation_id, "VNET")


class _Addresses:
    """The addresses of a range by index: numbers are read once, as a network may have 10,000 leases."""

    def __init__(self, address_range: AddressRange) -> None:
        self._size = address_range.size
        self._mac = mac_number(address_range.mac)
        self._ip = int(IPv4Address(address_range.ip)) if address_range.ip else None
        self._prefixes: dict[str, int] = {}
        self._static = int(IPv6Address(address_range.static_ip6)) if address_range.static_ip6 else None
        if "6" in address_range.type and self._static is None:
            given = {"IP6_ULA": address_range.ula_prefix, "IP6_GLOBAL": address_range.global_prefix}
            self._prefixes = {name: int(IPv6Address(prefix)) for name, prefix in given.items() if prefix}

    def mac(self, index: int) -> str:
        """Return the MAC address at ``index``."""
        return mac_text(self._mac + index)

    def escaped_ips(self, index: int) -> str:
        """Return the IP elements of the lease at ``index``."""
        text = "" if self._ip is None else _LEASE_IP % _ipv4_text(self._ip + index)
        if self._static is not None:
            text += _LEASE_IP6 % ("IP6", IPv6Address(self._static + index), "IP6")
        if self._prefixes:
            for name, prefix in {**self._prefixes, "IP6_LINK": _LINK_PREFIX}.items():
                text += _LEASE_IP6 % (name, self._ip6(prefix, index), name)
        return text

    def ends(self) -> Iterator[tuple[str, str]]:
        """Yield the computed attributes of the range by name."""
        last = self._size - 1
        yield "MAC_END", self.mac(last)
        if self._ip is not None:
            yield "IP_END", _ipv4_text(self._ip + last)
        if self._static is not None:
            yield "IP6_END", str(IPv6Address(self._static + last))
        for name, prefix in self._prefixes.items():
            yield name, self._ip6(prefix, 0)
            yield f"{name}_END", self._ip6(prefix, last)

    def _ip6(self, prefix: int, index: int) -> str:
        return str(IPv6Address(prefix | interface_id(self.mac(index))))


def _ipv4_text(number: int) -> str:
    return f"{number >> 24 & 255}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
