"""Addresses of a range: the n-th MAC, IPv4 and IPv6 address, and back."""

from __future__ import annotations

import ipaddress

from opennebula_core.model.objects import AddressRange


def mac_number(mac: str) -> int:
    """Return a MAC address as a number.

    :raises ValueError: it is not six bytes in hexadecimal, separated by colons
    """
    parts = mac.split(":")
    if len(parts) != 6 or any(len(part) > 2 for part in parts):
        raise ValueError(f"{mac!r} is no MAC address")
    return int.from_bytes(bytes(int(part, 16) for part in parts), "big")


def mac_text(number: int) -> str:
    """Return a number as a MAC address."""
    return number.to_bytes(6, "big").hex(":")


def nth_mac(address_range: AddressRange, index: int) -> str:
    """Return the MAC address at ``index``."""
    return mac_text(mac_number(address_range.mac) + index)


def nth_ip(address_range: AddressRange, index: int) -> str:
    """Return the IPv4 address at ``index``, empty when the range has none."""
    if not address_range.ip:
        return ""
    return str(ipaddress.IPv4Address(address_range.ip) + index)


def interface_id(mac: str) -> int:
    """Return the lower 64 bits of the IPv6 address that belongs to a MAC. Source: RFC 4291, appendix A."""
    number = mac_number(mac) ^ (0x02 << 40)
    return ((number >> 24) << 40) | (0xFFFE << 24) | (number & 0xFFFFFF)


def nth_ip6(address_range: AddressRange, index: int) -> dict[str, str]:
    """Return the IPv6 addresses at ``index`` by attribute name: IP6 if static, else IP6_LINK and others."""
    if first := address_range.static_ip6:
        return {"IP6": str(ipaddress.IPv6Address(first) + index)}
    if "6" not in address_range.type:
        return {}
    host = interface_id(nth_mac(address_range, index))
    prefixes = {
        "IP6_LINK": "fe80::",
        "IP6_ULA": address_range.ula_prefix,
        "IP6_GLOBAL": address_range.global_prefix,
    }
    return {
        name: str(ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | host))
        for name, prefix in prefixes.items()
        if prefix
    }


def index_of_ip(address_range: AddressRange, ip: str) -> int | None:
    """Return where an IPv4 address lies in the range, None when it does not."""
    if not address_range.ip:
        return None
    try:
        index = int(ipaddress.IPv4Address(ip)) - int(ipaddress.IPv4Address(address_range.ip))
    except ValueError:
        return None
    return index if 0 <= index < address_range.size else None


def index_of_ip6(address_range: AddressRange, ip6: str) -> int | None:
    """Return where an IPv6 address lies in a static range, None when it does not."""
    if not address_range.static_ip6:
        return None
    try:
        index = int(ipaddress.IPv6Address(ip6)) - int(ipaddress.IPv6Address(address_range.static_ip6))
    except ValueError:
        return None
    return index if 0 <= index < address_range.size else None


def index_of_mac(address_range: AddressRange, mac: str) -> int | None:
    """Return where a MAC address lies in the range, None when it does not."""
    try:
        index = mac_number(mac) - mac_number(address_range.mac)
    except ValueError:
        return None
    return index if 0 <= index < address_range.size else None
