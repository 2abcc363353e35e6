"""Address ranges from AR vectors. Source: AR of OpenNebula 6.10."""

from __future__ import annotations

import ipaddress

from opennebula_core.errors import InternalError
from opennebula_core.model.addresses import mac_number, mac_text
from opennebula_core.model.objects import AddressRange
from opennebula_core.model.template import Vector

TYPES = ("IP4", "IP6", "IP4_6", "ETHER")
MAX_SIZE = 1 << 24
_OWN = frozenset({"AR_ID", "TYPE", "SIZE", "MAC", "IP", "GLOBAL_PREFIX", "ULA_PREFIX"})
_COMPUTED = frozenset({"MAC_END", "IP_END", "USED_LEASES", "LEASES", "ALLOCATED", "IP6_ULA", "IP6_GLOBAL"})


def new_range(vector: Vector, mac_prefix: str, network_id: int) -> AddressRange:
    """Return the range that an AR vector describes, without an id.

    :param mac_prefix: first two bytes of MAC addresses that the vector does not give
    :raises InternalError: a value is missing or wrong
    """
    kind = vector.get("TYPE", "").upper()
    if kind not in TYPES:
        raise InternalError(f"Unknown or missing address range TYPE {kind!r}; use one of {', '.join(TYPES)}")
    size = vector.get("SIZE", "")
    if not size.isdecimal() or not 1 <= int(size) <= MAX_SIZE:
        raise InternalError(f"Wrong SIZE {size!r} in address range; use a number from 1 to {MAX_SIZE}")
    ip = _first_ip(vector, int(size)) if kind in ("IP4", "IP4_6") else ""
    return AddressRange(
        id=-1,
        type=kind,
        size=int(size),
        mac=_first_mac(vector, ip, mac_prefix, network_id),
        ip=ip,
        global_prefix=_prefix(vector, "GLOBAL_PREFIX", kind),
        ula_prefix=_prefix(vector, "ULA_PREFIX", kind),
        attributes=Vector((key, value) for key, value in vector.items() if key not in _OWN | _COMPUTED),
    )


def _first_ip(vector: Vector, size: int) -> str:
    text = vector.get("IP", "")
    try:
        first = ipaddress.IPv4Address(text)
        _ = first + (size - 1)
    except ValueError:
        raise InternalError(f"Wrong or missing IP {text!r} in address range") from None
    return str(first)


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
    if not text or "6" not in kind:
        return ""
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise InternalError(f"Wrong {name} {text!r} in address range") from None
