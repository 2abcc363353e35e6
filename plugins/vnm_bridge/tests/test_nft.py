from __future__ import annotations

import pytest

from opennebula_core.contracts.vmm import Guest
from opennebula_core.errors import DriverError
from opennebula_core.model.template import Vector
from opennebula_core.testing.drivers import make_guest
from opennebula_vnm_bridge.nft import install, remove
from opennebula_vnm_bridge.nic_filter import read_filter

NIC = {"NIC_ID": "0", "NETWORK_ID": "3", "TARGET": "one-7-0", "MAC": "02:00:00:00:00:01", "IP": "10.0.0.1"}


def filtered(*rules: str, **more: str) -> str:
    guest = guest_with(*rules)
    return install(read_filter(guest, Vector({**NIC, "SECURITY_GROUPS": "100", **more})))


def guest_with(*rules: str) -> Guest:
    text = "\n".join(f"SECURITY_GROUP_RULE=[SECURITY_GROUP_ID=100,{rule}]" for rule in rules)
    return make_guest("host1", template=text)


def chain(script: str, name: str) -> list[str]:
    begin = f"add rule bridge opennebula nic-one-7-0-{name} "
    return [line.removeprefix(begin) for line in script.splitlines() if line.startswith(begin)]


@pytest.mark.parametrize(
    ("rule", "match"),
    [
        ("PROTOCOL=TCP,RANGE=22", "tcp dport { 22 }"),
        ('PROTOCOL=UDP,RANGE="1:3,9"', "udp dport { 1-3, 9 }"),
        ("PROTOCOL=TCP", "meta l4proto tcp"),
        ("PROTOCOL=ICMP", "meta protocol ip meta l4proto icmp"),
        ("PROTOCOL=ICMPV6,ICMPV6_TYPE=128", "icmpv6 type 128"),
        ("PROTOCOL=IPSEC", "meta l4proto { esp, ah }"),
        ('PROTOCOL=ALL,IP="10.0.0.1",SIZE=2', "ip saddr 10.0.0.1-10.0.0.2"),
        ('PROTOCOL=TCP,IP="2001:db8::1",SIZE=1', "ip6 saddr 2001:db8::1 meta l4proto tcp"),
    ],
)
def test_a_rule_becomes_a_match(rule: str, match: str) -> None:
    inbound = chain(filtered(f"{rule},RULE_TYPE=inbound"), "inbound")
    assert inbound[-2:] == [f"{match} goto nic-one-7-0-inbound-keep", "counter drop"]


def test_a_nic_sends_from_its_addresses_and_from_those_of_the_link() -> None:
    script = filtered(FILTER_IP_SPOOFING="YES", IP6="fe8::1", IP6_LINK="fe80::7")
    own = [line for line in chain(script, "outbound") if line.startswith("ip6 saddr")]
    assert own == ["ip6 saddr != { fe8::1, ::, fe80::/10 } counter drop"]


def test_what_belongs_to_a_nic_is_not_anothers_whose_name_has_a_dash_more() -> None:
    def names(interface: str) -> set[str]:
        script = filtered(TARGET=interface)
        return {line.split()[4] for line in script.splitlines() if line.startswith("add set")}

    assert not names("one") & names("one-")


def test_what_no_packet_can_be_opens_nothing() -> None:
    rule = 'PROTOCOL=ICMP,RULE_TYPE=inbound,IP="2001:db8::1",SIZE=1'
    assert chain(filtered(rule), "inbound") == chain(filtered(), "inbound")


def test_replies_are_kept_only_where_rules_would_stop_them() -> None:
    script = filtered("PROTOCOL=ALL,RULE_TYPE=outbound", "PROTOCOL=TCP,RANGE=22,RULE_TYPE=inbound")
    assert chain(script, "outbound") == ["goto nic-one-7-0-outbound-keep"]
    assert chain(script, "inbound")[-2] == "tcp dport { 22 } accept"


def test_nothing_is_filtered_where_everything_is_let_through() -> None:
    everything = ("PROTOCOL=ALL,RULE_TYPE=outbound", "PROTOCOL=ALL,RULE_TYPE=inbound")
    nic = Vector({**NIC, "SECURITY_GROUPS": "100"})
    assert not read_filter(guest_with(*everything), nic).is_needed
    assert not read_filter(guest_with(), Vector(NIC)).is_needed
    assert read_filter(guest_with(*everything), Vector({**nic, "FILTER_MAC_SPOOFING": "yes"})).is_needed
    assert read_filter(guest_with(*everything), Vector({**nic, "SECURITY_GROUPS": "404"})).is_needed


def test_hostile_text_ends_up_in_no_command() -> None:
    hostile = (
        'PROTOCOL=TCP,RULE_TYPE=inbound,RANGE="22; flush ruleset"',
        'PROTOCOL="x\ny",RULE_TYPE=inbound',
    )
    assert filtered(*hostile) == filtered()
    with pytest.raises(DriverError, match="TARGET 'one;x' is no name of an interface"):
        filtered(TARGET="one;x")
    for name, value in (("MAC", "02:00 drop"), ("IP", "10.0.0.1 }"), ("IP6", "fd00::1%x }; flush ruleset")):
        with pytest.raises(DriverError, match=f"{name} .* is no address; correct it in network 3"):
            filtered(FILTER_IP_SPOOFING="YES", FILTER_MAC_SPOOFING="YES", **{name: value})


def test_all_that_is_made_for_a_nic_is_removed_with_it() -> None:
    nic = read_filter(guest_with(), Vector({**NIC, "SECURITY_GROUPS": "100"}))
    made = {
        line.split()[4] for line in install(nic).splitlines() if line.startswith(("add chain", "add set"))
    }
    gone = {
        line.split()[4]
        for line in remove(nic).splitlines()
        if line.startswith(("delete chain", "delete set"))
    }
    assert made - gone == {"sent", "received"}
