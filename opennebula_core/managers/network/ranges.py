"""Address ranges from AR vectors. Source: AR of OpenNebula 6.10."""

from __future__ import annotations

import ipaddress

from opennebula_core.errors import InternalError
from opennebula_core.model.addresses import mac_number, mac_text
from opennebula_core.model.numbers import whole_number
from opennebula_core.model.objects import AddressRange
from opennebula_core.model.template import Vector

TYPES = ("IP4", "IP6", "IP6_STATIC", "IP4_6", "IP4_6_STATIC", "ETHER")
STATIC = ("IP6", "PREFIX_LENGTH")
"""Attributes that say where the IPv6 addresses of a static range begin; they stay as they were made."""
MAX_SIZE = 1 << 24
_LAST_MAC = (1 << 48) - 1
_LAST_IP = ipaddress.IPv4Address("255.255.255.255")
_LAST_IP6 = ipaddress.IPv6Address((1 << 128) - 1)
_MAX_PREFIX_LENGTH = 128
_OWN = frozenset({"AR_ID", "TYPE", "SIZE", "MAC", "IP", "GLOBAL_PREFIX", "ULA_PREFIX"})
_COMPUTED = frozenset(
    {
        "MAC_END",
        "IP_END",
        "IP6_END",
        "USED_LEASES",
        "LEASES",
        "ALLOCATED",
        "IP6_ULA",
        "IP6_GLOBAL",
        "PARENT_NETWORK_AR_ID",
    }
)


def new_range(vector: Vector, mac_prefix: str, network_id: int) -> AddressRange:
    """Return the range that an AR vector describes, without an id.

    :param mac_prefix: first two bytes of MAC addresses that the vector does not give
    :raises InternalError: a value is missing or wrong
    """
    kind = vector.get("TYPE", "").upper()
    if kind not in TYPES:
        raise InternalError(f"Unknown or missing address range TYPE {kind!r}; use one of {', '.join(TYPES)}")
    ip = _first_ip(vector) if kind.startswith("IP4") else ""
    made = AddressRange(
        id=-1,
        type=kind,
        size=0,
        mac=_first_mac(vector, ip, mac_prefix, network_id),
        ip=ip,
        global_prefix=_prefix(vector, "GLOBAL_PREFIX", kind),
        ula_prefix=_prefix(vector, "ULA_PREFIX", kind),
        attributes=free_attributes(vector),
    )
    if kind.endswith("_STATIC"):
        _set_static(made, vector)
    set_size(made, vector.get("SIZE", ""))
    return made


def free_attributes(vector: Vector) -> Vector:
    """Return the attributes of an AR vector that say nothing about its addresses, such as another GATEWAY."""
    return Vector((key, value) for key, value in vector.items() if key not in _OWN | _COMPUTED)


def set_size(changed: AddressRange, text: str) -> None:
    """Give a range as many addresses as a text says.

    :raises InternalError: that is no number, too large, or the addresses would not all exist
    """
    size = whole_number(text, MAX_SIZE)
    if not size:
        raise InternalError(f"Wrong SIZE {text[:80]!r} in address range; use a number from 1 to {MAX_SIZE}")
    if mac_number(changed.mac) + size - 1 > _LAST_MAC:
        raise InternalError(
            f"Wrong SIZE {text!r} in address range: there are not so many MACs from {changed.mac} on"
        )
    if changed.ip and int(ipaddress.IPv4Address(changed.ip)) + size - 1 > int(_LAST_IP):
        raise InternalError(
            f"Wrong SIZE {text!r} in address range: there are not so many IPs from {changed.ip} on"
        )
    if changed.static_ip6 and int(ipaddress.IPv6Address(changed.static_ip6)) + size - 1 > int(_LAST_IP6):
        raise InternalError(
            f"Wrong SIZE {text!r} in address range: there are not so many IPs from {changed.static_ip6} on"
        )
    changed.size = size


def _set_static(made: AddressRange, vector: Vector) -> None:
    text, length = vector.get("IP6", ""), whole_number(vector.get("PREFIX_LENGTH", ""), _MAX_PREFIX_LENGTH)
    try:
        made.attributes["IP6"] = _ip6(text)
    except ValueError:
        raise InternalError(f"Wrong or missing IP6 {text!r} in address range") from None
    if not length:
        raise InternalError(f"Wrong or missing PREFIX_LENGTH in address range; use 1 to {_MAX_PREFIX_LENGTH}")


def _first_ip(vector: Vector) -> str:
    text = vector.get("IP", "")
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise InternalError(f"Wrong or missing IP {text!r} in address range") from None


def _first_mac(vector: Vector, ip: str, mac_prefix: str, network_id: int) -> str:
    text = vector.get("MAC", "")
    if text:
        try:
            return mac_text(mac_number(text))
        except ValueError:
            raise InternalError(f"Wrong MAC {text!r} in address range") from None
    prefix = int(mac_prefix.replace(":", ""), 16) << 32
    if ip:
        return mac_text(prefix | int(ipaddress.IPv4Address(ip)))
    # Without an address to go by, networks must not meet: each begins in a block of its own.
    return mac_text(prefix | (network_id & 0xFF) << 24)


def _prefix(vector: Vector, name: str, kind: str) -> str:
    text = vector.get(name, "")
    if not text or "6" not in kind or kind.endswith("_STATIC"):
        return ""
    try:
        return _ip6(text)
    except ValueError:
        raise InternalError(f"Wrong {name} {text!r} in address range") from None


def _ip6(text: str) -> str:
    """Return an IPv6 address as it is always written.

    :raises ValueError: it is none, or has a scope behind it, which is free text
    """
    address = ipaddress.IPv6Address(text)
    if address.scope_id is not None:
        raise ValueError(f"{text!r} names an interface")
    return str(address)
