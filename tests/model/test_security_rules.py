from __future__ import annotations

import pytest

from opennebula_core.model.security_rules import Protocol, Traffic, group_ids, read_rule
from opennebula_core.model.template import Vector

IN = {"PROTOCOL": "tcp", "RULE_TYPE": "inbound"}
UDP = {"PROTOCOL": "UDP", "RULE_TYPE": "outbound", "NETWORK_ID": "3", "SIZE": "4", "MAC": "02:00:00:ff:ff:fe"}


def spans(**more: str) -> list[str]:
    return [f"{first}-{last}" for first, last in read_rule(Vector({**UDP, **more})).addresses]


def test_a_rule_is_read_whatever_its_case() -> None:
    rule = read_rule(Vector(IN))
    assert (rule.protocol, rule.traffic, rule.ports, rule.is_anywhere) == (
        Protocol.TCP, Traffic.INBOUND, (), True,
    )  # fmt: skip


def test_ports_that_overlap_or_touch_are_one_span() -> None:
    assert read_rule(Vector({**IN, "RANGE": "443, 80:90,85:99,100,7"})).ports == (
        (7, 7),
        (80, 100),
        (443, 443),
    )


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"RANGE": "1:"}, "no port"),
        ({"RANGE": "2:1"}, "from the lower to the higher"),
        ({"RANGE": "65536"}, "up to 65535"),
        ({"RANGE": "٢٢"}, "no port"),
        ({"RANGE": ",".join(["1"] * 257)}, "more than 256 parts"),
        ({"PROTOCOL": "ALL", "RANGE": "1"}, "TCP and UDP only"),
        ({"ICMP_TYPE": "8"}, "ICMP_TYPE goes with the protocol ICMP only"),
        ({"PROTOCOL": "ICMPV6", "ICMPv6_TYPE": "256"}, "no number from 0 to 255"),
        ({"IP": "10.0.0.1 or 1=1", "SIZE": "1"}, "is no address"),
        ({"IP": "fe80::1%eth0;", "SIZE": "1"}, "names an interface|is no address"),
        ({"IP": "255.255.255.255", "SIZE": "2"}, "not so many addresses"),
        ({"IP": "10.0.0.1"}, "SIZE is missing"),
        ({"NETWORK_ID": "-1"}, "no id of a network"),
    ],
)
def test_what_no_filter_can_be_made_of_is_refused(wrong: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_rule(Vector({**IN, **wrong}))


def test_a_rule_about_a_network_is_about_the_addresses_of_its_range_only() -> None:
    assert spans() == []
    assert read_rule(Vector(UDP)).macs == ((0x020000FFFFFE, 0x020001000001),)
    assert spans(IP="10.0.0.1", TYPE="IP4") == ["10.0.0.1-10.0.0.4"]
    assert spans(IP6="2001:db8::7", TYPE="IP6_STATIC") == ["2001:db8::7-2001:db8::a"]
    assert spans(TYPE="IP6", ULA_PREFIX="fd00::")[:2] == [
        "fd00::ff:feff:fffe-fd00::ff:feff:ffff", "fd00::1ff:fe00:0-fd00::1ff:fe00:1",
    ]  # fmt: skip
    nobody = read_rule(Vector({"PROTOCOL": "ALL", "RULE_TYPE": "inbound", "NETWORK_ID": "3"}))
    assert (nobody.is_anywhere, nobody.addresses, nobody.macs, nobody.allows_everything) == (
        False,
        (),
        (),
        False,
    )


def test_only_numbers_name_groups() -> None:
    assert group_ids(" 0,100,,0, x,-1,7 ") == [0, 100, 7]
