"""How a NIC's filter knows replies: what was let through is kept in sets, and its answers are let through.

The kernel's connection tracking is not used: for bridged packets it takes a module that not every host has,
and its table is shared by all guests of a host. The sets are each NIC's own, of limited size, and what a
guest sends again after a migration is known again.

A connection is kept from the guest's side: protocol, guest's address and port, the other's address and port.
Protocols without ports are kept by their two ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from opennebula_core.model.security_rules import Traffic

MOST_FLOWS: Final = 65536
"""Kept of one NIC and address family; more are let out, their answers are not let in."""
TCP_S: Final = 3 * 3600
"""Above the two hours after which an idle end asks whether the other is there. Source: tcp(7), keepalive."""
HANDSHAKE_S: Final = 60
CLOSING_S: Final = 60
DATAGRAM_S: Final = 120

_ICMP_REPLIES: Final = {"ip": "icmp type { 0, 14, 16, 18 }", "ip6": "icmpv6 type 129"}
_FAMILIES: Final = (("ip", "ipv4_addr", "4"), ("ip6", "ipv6_addr", "6"))


@dataclass(frozen=True, slots=True)
class Flows:
    """The sets of one NIC.

    :param prefix: of their names
    """

    prefix: str

    def declarations(self) -> Iterator[tuple[str, str]]:
        """Yield name and body of each set."""
        for _, address, digit in _FAMILIES:
            flow = f"inet_proto . {address} . inet_service . {address} . inet_service"
            peers = f"inet_proto . {address} . {address}"
            for name, kind, timeout_s in (
                ("flows", flow, DATAGRAM_S), ("closing", flow, CLOSING_S), ("peers", peers, DATAGRAM_S),
            ):  # fmt: skip
                yield (
                    f"{self.prefix}-{name}{digit}",
                    f"{{ type {kind}; flags dynamic, timeout; size {MOST_FLOWS}; timeout {timeout_s}s; }}",
                )

    def replies(self, traffic: Traffic, keep: str) -> Iterator[str]:
        """Yield the rules that let answers through.

        :param traffic: the direction of the answers
        :param keep: the chain that keeps them, see :meth:`keeping`
        """
        for family, _, digit in _FAMILIES:
            flow, peers = _flow(family, traffic), _peers(family, traffic)
            known = f"{self.prefix}-peers{digit}"
            ported = f"meta protocol {family} meta l4proto {{ tcp, udp }}"
            yield f"{ported} {flow} @{self.prefix}-flows{digit} goto {keep}"
            yield f"{_ICMP_REPLIES[family]} {peers} @{known} accept"
            others = "{ tcp, udp, icmp, icmpv6 }"
            yield f"meta protocol {family} meta l4proto != {others} {peers} @{known} goto {keep}"

    def keeping(self, traffic: Traffic) -> Iterator[str]:
        """Yield the rules of the chain that keeps a packet's connection, and lets it through."""
        for family, _, digit in _FAMILIES:
            flow, peers = _flow(family, traffic), _peers(family, traffic)
            flows, closing = f"@{self.prefix}-flows{digit}", f"@{self.prefix}-closing{digit}"
            tcp, kept = f"meta protocol {family} meta l4proto tcp", "update " + flows
            yield f"{tcp} tcp flags & (syn | ack) == syn delete {closing} {{ {flow} }}"
            yield f"{tcp} tcp flags & (syn | ack) == syn {kept} {{ {flow} timeout {HANDSHAKE_S}s }} accept"
            yield f"{tcp} tcp flags & (fin | rst) != 0 update {closing} {{ {flow} }}"
            yield f"{tcp} {flow} {closing} {kept} {{ {flow} timeout {CLOSING_S}s }} accept"
            yield f"{tcp} {kept} {{ {flow} timeout {TCP_S}s }} accept"
            yield f"meta protocol {family} meta l4proto udp {kept} {{ {flow} timeout {DATAGRAM_S}s }} accept"
            yield f"meta protocol {family} update @{self.prefix}-peers{digit} {{ {peers} }} accept"
        yield "accept"


def _ends(family: str, traffic: Traffic) -> tuple[str, str, str, str]:
    """Return the guest's address and port in a packet, and the other's."""
    sender, receiver = (f"{family} saddr", "th sport"), (f"{family} daddr", "th dport")
    guest, other = (receiver, sender) if traffic is Traffic.INBOUND else (sender, receiver)
    return (*guest, *other)


def _flow(family: str, traffic: Traffic) -> str:
    return " . ".join(("meta l4proto", *_ends(family, traffic)))


def _peers(family: str, traffic: Traffic) -> str:
    address, _, other, _ = _ends(family, traffic)
    return f"meta l4proto . {address} . {other}"
