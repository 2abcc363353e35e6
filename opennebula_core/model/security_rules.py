"""Rules of security groups: what a RULE or SECURITY_GROUP_RULE vector lets through, as checked values.

Users write rules, and drivers put them into packet filters: only what this module has read is ever written
there, as numbers and addresses, never as the user's text.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from opennebula_core.model.addresses import interface_id, mac_number, mac_text
from opennebula_core.model.numbers import whole_number
from opennebula_core.model.template import Vector

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
AddressSpan = tuple[Address, Address]
"""First and last address, of one family."""
Span = tuple[int, int]

DEFAULT_GROUP: Final = 0
"""Of every network that names none; it lets everything through unless an administrator has changed it."""
MAX_RULES: Final = 1024
"""Of one group; each of its VMs carries them all."""
MAX_PORT: Final = 65535
_MAX_PORT_SPANS: Final = 256
_PORTS: Final = re.compile(r"([0-9]{1,5})(?::([0-9]{1,5}))?")
_ANY_ICMP: Final = -1
_LINK_PREFIX: Final = int(ipaddress.IPv6Address("fe80::"))


class Protocol(StrEnum):
    """What a rule is about. Source: OpenNebula 6.10, PROTOCOL of rules."""

    TCP = "TCP"
    UDP = "UDP"
    ICMP = "ICMP"
    ICMPV6 = "ICMPV6"
    IPSEC = "IPSEC"
    ALL = "ALL"


class Traffic(StrEnum):
    """The direction of what a rule is about, seen from the VM."""

    INBOUND = "INBOUND"
    OUTBOUND = "OUTBOUND"


@dataclass(frozen=True, slots=True)
class SecurityRule:
    """One rule: packets that meet all of it are let through.

    :param ports: destination ports, sorted and apart from each other; empty: all
    :param icmp_type: of ICMP and ICMPv6; -1: all
    :param is_anywhere: the other end may be anybody; else one of ``addresses`` or ``macs``, or nobody
    """

    protocol: Protocol
    traffic: Traffic
    ports: tuple[Span, ...] = ()
    icmp_type: int = _ANY_ICMP
    is_anywhere: bool = True
    addresses: tuple[AddressSpan, ...] = ()
    macs: tuple[Span, ...] = ()

    @property
    def allows_everything(self) -> bool:
        """Whether the rule lets all of its direction through."""
        return self.protocol is Protocol.ALL and self.is_anywhere


def read_rule(vector: Vector) -> SecurityRule:
    """Return what a vector says.

    One that names a network (NETWORK_ID) is about the addresses of the range that the core has written into
    it, and about nobody where there are none: what is not understood must not open anything.

    :raises ValueError: it says nothing that is allowed; the text is for the user
    """
    protocol = _protocol(vector)
    ports, icmp_type = _ports(vector, protocol), _icmp_type(vector, protocol)
    traffic = _traffic(vector)
    if vector.get("NETWORK_ID"):
        if whole_number(vector["NETWORK_ID"]) is None:
            raise ValueError(f"NETWORK_ID {vector['NETWORK_ID'][:80]!r} is no id of a network")
        addresses, macs = _of_range(vector)
        return SecurityRule(protocol, traffic, ports, icmp_type, False, addresses, macs)
    if vector.get("IP"):
        return SecurityRule(protocol, traffic, ports, icmp_type, False, (_addresses(vector),))
    return SecurityRule(protocol, traffic, ports, icmp_type)


def _protocol(vector: Vector) -> Protocol:
    name = vector.get("PROTOCOL", "").upper()
    try:
        return Protocol(name)
    except ValueError:
        raise ValueError(f"PROTOCOL {name[:80]!r} is none of {', '.join(Protocol)}") from None


def _traffic(vector: Vector) -> Traffic:
    name = vector.get("RULE_TYPE", "").upper()
    try:
        return Traffic(name)
    except ValueError:
        raise ValueError(f"RULE_TYPE {name[:80]!r} is neither inbound nor outbound") from None


def _ports(vector: Vector, protocol: Protocol) -> tuple[Span, ...]:
    text = vector.get("RANGE", "").replace(" ", "")
    if not text:
        return ()
    if protocol not in (Protocol.TCP, Protocol.UDP):
        raise ValueError("RANGE goes with the protocols TCP and UDP only")
    parts = text.split(",")
    if len(parts) > _MAX_PORT_SPANS:
        raise ValueError(f"RANGE has more than {_MAX_PORT_SPANS} parts; write several rules")
    return tuple(_joined(_port_span(part) for part in parts))


def _port_span(part: str) -> Span:
    found = _PORTS.fullmatch(part)
    if found is None:
        raise ValueError(f"RANGE has {part[:80]!r}, which is no port and no FIRST:LAST")
    first, last = int(found[1]), int(found[2] or found[1])
    if not first <= last <= MAX_PORT:
        raise ValueError(f"RANGE has {part!r}; ports go up to {MAX_PORT}, and from the lower to the higher")
    return first, last


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield spans in order, with those that overlap or touch made one: packet filters refuse overlaps."""
    current: Span | None = None
    for first, last in sorted(spans):
        if current is None:
            current = (first, last)
        elif first <= current[1] + 1:
            current = (current[0], max(current[1], last))
        else:
            yield current
            current = (first, last)
    if current is not None:
        yield current


def _icmp_type(vector: Vector, protocol: Protocol) -> int:
    found = _ANY_ICMP
    for name, value in vector.items():
        key = name.upper()
        if key not in ("ICMP_TYPE", "ICMPV6_TYPE") or not value:
            continue
        if protocol != key.removesuffix("_TYPE"):
            raise ValueError(f"{key} goes with the protocol {key.removesuffix('_TYPE')} only")
        number = whole_number(value, 255)
        if number is None:
            raise ValueError(f"{key} {value[:80]!r} is no number from 0 to 255")
        found = number
    return found


def _addresses(vector: Vector) -> AddressSpan:
    size = whole_number(vector.get("SIZE", ""))
    if not size:
        raise ValueError("SIZE is missing or no number from 1 on: how many addresses from IP on")
    return _span_of(vector["IP"], size)


def _span_of(text: str, size: int) -> AddressSpan:
    try:
        first = ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"IP {text[:80]!r} is no address") from None
    if isinstance(first, ipaddress.IPv6Address) and first.scope_id is not None:
        raise ValueError(f"IP {text[:80]!r} names an interface; leave it out")
    if int(first) + size > 1 << first.max_prefixlen:
        raise ValueError(f"SIZE {size}: there are not so many addresses from {first} on")
    return first, first + (size - 1)


def _of_range(vector: Vector) -> tuple[tuple[AddressSpan, ...], tuple[Span, ...]]:
    """Return what the range's addresses are; its MACs where it has none."""
    size = whole_number(vector.get("SIZE", ""))
    if not size:
        return (), ()
    spans = [_span_of(vector[name], size) for name in ("IP", "IP6") if vector.get(name)]
    if vector.get("IP6") or not vector.get("MAC"):
        return tuple(spans), ()
    mac = mac_number(vector["MAC"])
    if "6" in vector.get("TYPE", ""):
        prefixes = [vector.get(name, "") for name in ("GLOBAL_PREFIX", "ULA_PREFIX")]
        if not any(prefixes):  # a core that does not tell them: all that a guest of the range sends
            return tuple(spans), ((mac, mac + size - 1),)
        known = [int(ipaddress.IPv6Address(prefix)) for prefix in prefixes if prefix]
        for prefix in (*known, _LINK_PREFIX):
            spans += _made_of_macs(prefix, mac, size)
    return (tuple(spans), ()) if spans else ((), ((mac, mac + size - 1),))


def _made_of_macs(prefix: int, first_mac: int, size: int) -> Iterator[AddressSpan]:
    """Yield the IPv6 addresses that belong to MACs: in a row as long as the MACs' upper half stays."""
    end = first_mac + size
    while first_mac < end:
        last_mac = min(end - 1, first_mac | 0xFFFFFF)
        first, last = (prefix | interface_id(mac_text(mac)) for mac in (first_mac, last_mac))
        yield ipaddress.IPv6Address(first), ipaddress.IPv6Address(last)
        first_mac = last_mac + 1


def group_ids(text: str) -> list[int]:
    """Return the ids that SECURITY_GROUPS of a NIC lists, each once; what is no id names no group."""
    numbers = (whole_number(word.strip()) for word in text.split(","))
    return list(dict.fromkeys(number for number in numbers if number is not None))
