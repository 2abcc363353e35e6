"""The filter of a NIC as a transaction for ``nft``; pure functions.

All NICs share a table. A packet costs one look at the table's two maps, however many NICs there are, and then
what its own NIC's chain says. What is written is the table's frame and what belongs to one NIC: nobody
else's. Every name and value comes from checked values; see :mod:`.nic_filter`.

Packets from a guest are met before the bridge looks at them, packets to it behind everything: what goes to
or comes from the host itself is filtered, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from opennebula_core.model.addresses import mac_text
from opennebula_core.model.security_rules import AddressSpan, Protocol, SecurityRule, Span, Traffic
from opennebula_vnm_bridge.flows import Flows
from opennebula_vnm_bridge.nic_filter import NicFilter

TABLE: Final = "bridge opennebula"
_MAPS: Final = {Traffic.INBOUND: "to-guest", Traffic.OUTBOUND: "from-guest"}
_FRAME: Final = (
    f"add table {TABLE}",
    f"add map {TABLE} to-guest {{ type ifname : verdict; }}",
    f"add map {TABLE} from-guest {{ type ifname : verdict; }}",
    f"add chain {TABLE} sent {{ type filter hook prerouting priority -300; policy accept; }}",
    f"add chain {TABLE} received {{ type filter hook postrouting priority 300; policy accept; }}",
    f"flush chain {TABLE} sent",
    f"flush chain {TABLE} received",
    f"add rule {TABLE} sent iifname vmap @from-guest",
    f"add rule {TABLE} received oifname vmap @to-guest",
)
_ERRORS: Final = ("icmp type { 3, 11, 12 } accept", "icmpv6 type { 1, 2, 3, 4 } accept")
_LATER_FRAGMENTS: Final = (
    "ip frag-off & 0x1fff > 1 accept",
    "meta protocol ip6 frag frag-off > 1 accept",
)
"""They carry no ports. Offset 1 would overwrite a header that was looked at. Source: RFC 3128."""
_ALWAYS: Final = {
    Traffic.INBOUND: (
        "meta protocol arp accept",
        "icmpv6 type { 130, 131, 132, 134, 135, 136, 137, 143 } accept",
        "meta protocol ip udp sport 67 udp dport 68 accept",
        "meta protocol ip6 udp sport 547 udp dport 546 accept",
    ),
    Traffic.OUTBOUND: (
        "meta protocol arp accept",
        "icmpv6 type { 131, 132, 133, 135, 136, 143 } accept",
        "meta protocol ip udp sport 68 udp dport 67 accept",
        "meta protocol ip6 udp sport 546 udp dport 547 accept",
    ),
}
"""What a guest needs to have an address at all, and to find its neighbours."""


def install(nic: NicFilter) -> str:
    """Return the transaction that puts a NIC's filter in force, in place of the one that it may have."""
    flows = Flows(_prefix(nic))
    lines = [*_FRAME, *(f"add set {TABLE} {name} {body}" for name, body in flows.declarations())]
    for traffic in Traffic:
        chain, keep = _chain(nic, traffic), _keeper(nic, traffic)
        lines += [f"add chain {TABLE} {keep}", f"flush chain {TABLE} {keep}"]
        lines += [f"add chain {TABLE} {chain}", f"flush chain {TABLE} {chain}"]
        lines += [f"add rule {TABLE} {keep} {rule}" for rule in flows.keeping(traffic)]
        lines += [f"add rule {TABLE} {chain} {rule}" for rule in _rules(nic, traffic, flows)]
        lines.append(_element("add", nic, traffic))
    return "\n".join((*lines, ""))


def remove(nic: NicFilter) -> str:
    """Return the transaction that takes a NIC's filter away, whether there is one or none.

    What is removed is made first where it is missing: ``nft`` refuses to remove what is not there.
    """
    flows = Flows(_prefix(nic))
    sets = list(flows.declarations())
    lines = [*_FRAME, *(f"add set {TABLE} {name} {body}" for name, body in sets)]
    for traffic in Traffic:
        chains = (_chain(nic, traffic), _keeper(nic, traffic))
        lines += [f"add chain {TABLE} {chain}" for chain in chains]
        lines += [_element("add", nic, traffic), _element("delete", nic, traffic)]
        lines += [f"flush chain {TABLE} {chain}" for chain in chains]
        lines += [f"delete chain {TABLE} {chain}" for chain in chains]
    return "\n".join((*lines, *(f"delete set {TABLE} {name}" for name, _ in sets), ""))


def _prefix(nic: NicFilter) -> str:
    """Return how the names of all begin that belongs to a NIC."""
    return f"nic-{nic.interface}"


def _chain(nic: NicFilter, traffic: Traffic) -> str:
    return f"{_prefix(nic)}-{traffic.lower()}"


def _keeper(nic: NicFilter, traffic: Traffic) -> str:
    return f"{_chain(nic, traffic)}-keep"


def _element(verb: str, nic: NicFilter, traffic: Traffic) -> str:
    verdict = f" : goto {_chain(nic, traffic)}" if verb == "add" else ""
    return f'{verb} element {TABLE} {_MAPS[traffic]} {{ "{nic.interface}"{verdict} }}'


def _rules(nic: NicFilter, traffic: Traffic, flows: Flows) -> Iterator[str]:
    other = Traffic.OUTBOUND if traffic is Traffic.INBOUND else Traffic.INBOUND
    verdict = "accept" if nic.is_open(other) else f"goto {_keeper(nic, traffic)}"
    if traffic is Traffic.OUTBOUND:
        yield from _own_address(nic)
    if nic.is_open(traffic):
        yield verdict
        return
    yield from _ALWAYS[traffic]
    yield from _ERRORS
    yield from _LATER_FRAGMENTS
    yield from flows.replies(traffic, _keeper(nic, traffic))
    for rule in nic.rules_of(traffic):
        for match in _matches(rule):
            yield f"{match} {verdict}".lstrip()
    yield "counter drop"


def _own_address(nic: NicFilter) -> Iterator[str]:
    """Yield the rules that stop packets with another sender than the NIC's."""
    if nic.mac:
        yield f"ether saddr != {nic.mac} counter drop"
        yield f"arp saddr ether != {nic.mac} counter drop"
    if not nic.addresses:
        return
    own4 = sorted({str(address) for address in nic.addresses if address.version == 4})
    own6 = sorted(
        {str(address) for address in nic.addresses if address.version == 6 and not address.is_link_local}
    )
    yield "meta protocol != { arp, ip, ip6 } counter drop"
    yield f"arp saddr ip != {{ {', '.join((*own4, '0.0.0.0'))} }} counter drop"
    # Who has no address yet asks for one.
    unaddressed = "ip saddr 0.0.0.0 udp sport 68 udp dport 67"
    yield f"{unaddressed} accept"
    yield f"ip saddr != {{ {', '.join(own4)} }} counter drop" if own4 else "meta protocol ip counter drop"
    # fe80::/10 leaves the link on no router, and guests choose it by themselves; sets refuse what overlaps.
    yield f"ip6 saddr != {{ {', '.join((*own6, '::', 'fe80::/10'))} }} counter drop"


def _matches(rule: SecurityRule) -> Iterator[str]:
    """Yield what a packet has to be to meet a rule, once for each of its address spans."""
    kind = _kind(rule)
    if rule.is_anywhere:
        yield kind
    for span in rule.addresses:
        if _has_family(rule.protocol, span[0].version):
            yield f"{_address(rule.traffic, span)} {kind}".rstrip()
    for macs in rule.macs:
        yield f"{_mac(rule.traffic, macs)} {kind}".rstrip()


def _kind(rule: SecurityRule) -> str:
    """Return what makes a packet one of the rule's protocol, port and type."""
    match rule.protocol:
        case Protocol.TCP | Protocol.UDP:
            name = rule.protocol.lower()
            ports = f"{{ {', '.join(map(_span, rule.ports))} }}"
            return f"{name} dport {ports}" if rule.ports else f"meta l4proto {name}"
        case Protocol.ICMP | Protocol.ICMPV6:
            name, family = ("icmp", "ip") if rule.protocol is Protocol.ICMP else ("icmpv6", "ip6")
            is_typed = rule.icmp_type >= 0
            return (
                f"{name} type {rule.icmp_type}" if is_typed else f"meta protocol {family} meta l4proto {name}"
            )
        case Protocol.IPSEC:
            return "meta l4proto { esp, ah }"
        case Protocol.ALL:
            return ""


def _has_family(protocol: Protocol, version: int) -> bool:
    return {Protocol.ICMP: 4, Protocol.ICMPV6: 6}.get(protocol, version) == version


def _span(span: Span) -> str:
    return str(span[0]) if span[0] == span[1] else f"{span[0]}-{span[1]}"


def _address(traffic: Traffic, span: AddressSpan) -> str:
    family = "ip" if span[0].version == 4 else "ip6"
    text = str(span[0]) if span[0] == span[1] else f"{span[0]}-{span[1]}"
    return f"{family} {'saddr' if traffic is Traffic.INBOUND else 'daddr'} {text}"


def _mac(traffic: Traffic, span: Span) -> str:
    first, last = (mac_text(mac) for mac in span)
    text = first if first == last else f"{first}-{last}"
    return f"ether {'saddr' if traffic is Traffic.INBOUND else 'daddr'} {text}"
