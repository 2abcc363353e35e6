from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from opennebula_core.errors import ActionError, AuthorizationError, InternalError
from opennebula_core.managers.vm.context import context_script
from opennebula_core.testing.cloud import Cloud

RANGE = "AR=[TYPE=IP4,IP=10.0.0.1,SIZE=4]"
ALICE = "alice:pw"


async def _network(cloud: Cloud, more: str = RANGE, *, session: str = "oneadmin:secret") -> int:
    return await cloud.new(
        "one.vn.allocate", f"NAME=n\nVN_MAD=dummy\nBRIDGE=br0\n{more}\n", -1, session=session
    )


async def _ranges(cloud: Cloud, network_id: int) -> list[Element]:
    return (await cloud.document("one.vn.info", network_id)).findall("AR_POOL/AR")


async def _alices_network(cloud: Cloud) -> int:
    user_id = await cloud.new("one.user.allocate", "alice", "pw", "", [])
    network_id = await _network(cloud)
    await cloud.call("one.vn.chown", network_id, user_id, 1)
    return network_id


# -- address ranges ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        ("TYPE=IP5,SIZE=1", "TYPE 'IP5'"),
        ("SIZE=1", "missing address range TYPE"),
        ("TYPE=IP4,SIZE=1", "missing IP"),
        ("TYPE=IP4,IP=10.0.0.300,SIZE=1", "Wrong or missing IP"),
        ("TYPE=ETHER", "Wrong SIZE"),
        ("TYPE=ETHER,SIZE=0", "Wrong SIZE"),
        ("TYPE=ETHER,SIZE=-1", "Wrong SIZE"),
        ("TYPE=ETHER,SIZE=99999999999", "Wrong SIZE"),
        ("TYPE=IP4,IP=255.255.255.250,SIZE=9", "not so many IPs"),
        ("TYPE=ETHER,MAC=ff:ff:ff:ff:ff:fe,SIZE=3", "not so many MACs"),
        ("TYPE=ETHER,MAC=zz:00:00:00:00:00,SIZE=3", "Wrong MAC"),
        ("TYPE=IP6,GLOBAL_PREFIX=10.0.0.0,SIZE=3", "Wrong GLOBAL_PREFIX"),
        ("TYPE=IP6_STATIC,PREFIX_LENGTH=64,SIZE=3", "Wrong or missing IP6"),
        ('TYPE=IP6,GLOBAL_PREFIX="2001:db8::%x;y",SIZE=3', "Wrong GLOBAL_PREFIX"),
        ('TYPE=IP6_STATIC,IP6="2001:db8::1%x;y",PREFIX_LENGTH=64,SIZE=3', "Wrong or missing IP6"),
        ("TYPE=IP6_STATIC,IP6=2001:db8::1,SIZE=3", "Wrong or missing PREFIX_LENGTH"),
        ("TYPE=IP6_STATIC,IP6=2001:db8::1,PREFIX_LENGTH=129,SIZE=3", "Wrong or missing PREFIX_LENGTH"),
        ("TYPE=IP4_6_STATIC,IP6=2001:db8::1,PREFIX_LENGTH=64,SIZE=3", "Wrong or missing IP"),
        (f"TYPE=IP6_STATIC,IP6={'ffff:' * 7}fffe,PREFIX_LENGTH=64,SIZE=3", "not so many IPs"),
    ],
)
async def test_ranges_that_make_no_sense_are_refused_and_leave_no_network(
    front_end: Cloud, vector: str, message: str
) -> None:
    with pytest.raises(InternalError, match=message):
        await _network(front_end, f"AR=[{vector}]")
    assert not (await front_end.document("one.vnpool.info", -2, -1, -1)).findall("VNET")


async def test_the_addresses_of_each_type(front_end: Cloud) -> None:
    prefixes = "GLOBAL_PREFIX=2001:db8::,ULA_PREFIX=fd00::"
    network_id = await _network(
        front_end,
        f"{RANGE}\nAR=[TYPE=IP6,SIZE=2,MAC=02:00:00:00:00:01,{prefixes}]\n"
        f"AR=[TYPE=IP4_6,IP=10.1.0.1,SIZE=2,{prefixes}]\nAR=[TYPE=ETHER,SIZE=2]",
    )
    ip4, ip6, both, ether = await _ranges(front_end, network_id)
    assert ip4.findtext("MAC") == "02:00:0a:00:00:01"
    assert ip4.findtext("IP_END") == "10.0.0.4"
    assert ip6.findtext("GLOBAL_PREFIX") == "2001:db8::"
    assert ip6.find("IP") is None
    assert both.findtext("IP") == "10.1.0.1"
    assert both.findtext("ULA_PREFIX") == "fd00::"
    assert ether.findtext("MAC", "").startswith("02:00:")
    for index, (range_id, attribute, expected) in enumerate(
        [(1, "IP6_GLOBAL", "2001:db8::ff:fe00:1"), (1, "IP6_ULA", "fd00::ff:fe00:2"), (3, "MAC", "02:00")]
    ):
        vm_id = await front_end.add_vm(f"NIC=[NETWORK_ID={network_id},AR_ID={range_id}]\nNUMBER={index}")
        vm = await front_end.document("one.vm.info", vm_id)
        assert vm.findtext(f"TEMPLATE/NIC/{attribute}", "").startswith(expected)


async def test_the_ipv6_addresses_of_a_static_range_are_counted_on_from_its_first(front_end: Cloud) -> None:
    network_id = await _network(
        front_end,
        "AR=[TYPE=IP6_STATIC,IP6=2001:db8::fffe,PREFIX_LENGTH=64,SIZE=4]\n"
        "AR=[TYPE=IP4_6_STATIC,IP=10.3.0.1,IP6=2001:db8:1::1,PREFIX_LENGTH=48,SIZE=2]\nGATEWAY6=2001:db8::1",
    )
    await front_end.call("one.vn.hold", network_id, "LEASES=[IP6=2001:db8::ffff]")
    await front_end.call("one.vn.update_ar", network_id, "AR=[AR_ID=0,IP6=fd00::1,SIZE=5]")
    both = f"NIC=[NETWORK_ID={network_id}]\nNIC=[NETWORK_ID={network_id},IP6=2001:db8:1::2]\n"
    vm_id = await front_end.add_vm(f"{both}CONTEXT=[NETWORK=YES]")
    first, second = front_end.vm(vm_id).template.vectors("NIC")
    assert (first["IP6"], first["PREFIX_LENGTH"]) == ("2001:db8::fffe", "64")
    assert (second["IP"], second["IP6"]) == ("10.3.0.2", "2001:db8:1::2")
    script = context_script(front_end.vm(vm_id))
    for line in ("IP6='2001:db8::fffe'", "IP6_PREFIX_LENGTH='64'", "IP6_GATEWAY='2001:db8::1'"):
        assert f"ETH0_{line}" in script
    static, _ = await _ranges(front_end, network_id)
    assert (static.findtext("IP6"), static.findtext("IP6_END")) == ("2001:db8::fffe", "2001:db8::1:2")
    assert [lease.findtext("IP6") for lease in static.findall("LEASES/LEASE")] == [
        "2001:db8::fffe", "2001:db8::ffff",
    ]  # fmt: skip
    reservation_id = await front_end.new("one.vn.reserve", network_id, "NAME=r\nSIZE=2\nAR_ID=0")
    (block,) = await _ranges(front_end, reservation_id)
    assert (block.findtext("TYPE"), block.findtext("IP6")) == ("IP6_STATIC", "2001:db8::1:0")


async def test_a_range_is_added_changed_and_removed(front_end: Cloud) -> None:
    network_id = await _network(front_end)
    await front_end.call("one.vn.add_ar", network_id, "AR=[TYPE=IP4,IP=10.2.0.1,SIZE=2,GATEWAY=10.2.0.9]")
    await front_end.call(
        "one.vn.update_ar", network_id, "AR=[AR_ID=1,SIZE=8,IP=9.9.9.9,USED_LEASES=7,DNS=1.1.1.1]"
    )
    changed = (await _ranges(front_end, network_id))[1]
    assert {name: changed.findtext(name) for name in ("AR_ID", "IP", "SIZE", "USED_LEASES", "DNS")} == {
        "AR_ID": "1", "IP": "10.2.0.1", "SIZE": "8", "USED_LEASES": "0", "DNS": "1.1.1.1",
    }  # fmt: skip
    assert changed.find("GATEWAY") is None
    await front_end.call("one.vn.rm_ar", network_id, 1)
    assert [row.findtext("AR_ID") for row in await _ranges(front_end, network_id)] == ["0"]
    with pytest.raises(InternalError, match="Address Range does not exist: 1"):
        await front_end.call("one.vn.rm_ar", network_id, 1)


@pytest.mark.parametrize("size", ["0", "-3", "999999999999", "x", "1e3", "٣", "9" * 5000, str(2**70)])
async def test_a_range_cannot_get_a_size_that_makes_no_sense(front_end: Cloud, size: str) -> None:
    network_id = await _network(front_end)
    with pytest.raises(InternalError, match="Wrong SIZE"):
        await front_end.call("one.vn.update_ar", network_id, f"AR=[AR_ID=0,SIZE={size}]")


async def test_a_range_with_leases_is_removed_by_force_only_and_never_cut_below_them(
    front_end: Cloud,
) -> None:
    network_id = await _network(front_end)
    await front_end.call("one.vn.hold", network_id, "LEASES=[IP=10.0.0.3]")
    with pytest.raises(ActionError, match="would cut leases in use off"):
        await front_end.call("one.vn.update_ar", network_id, "AR=[AR_ID=0,SIZE=2]")
    await front_end.call("one.vn.update_ar", network_id, "AR=[AR_ID=0,SIZE=3]")
    with pytest.raises(ActionError, match="use force"):
        await front_end.call("one.vn.rm_ar", network_id, 0)
    await front_end.call("one.vn.rm_ar", network_id, 0, True)
    assert (await front_end.document("one.vn.info", network_id)).findtext("USED_LEASES") == "0"
    await front_end.call("one.vn.delete", network_id)


async def test_owners_change_ranges_but_only_administrators_add_and_remove_them(front_end: Cloud) -> None:
    network_id = await _alices_network(front_end)
    for method, parameter in (("add_ar", RANGE), ("rm_ar", 0)):
        with pytest.raises(AuthorizationError, match=r"Not authorized to perform ADMIN NET \[0\]"):
            await front_end.call(f"one.vn.{method}", network_id, parameter, session=ALICE)
    await front_end.call("one.vn.update_ar", network_id, "AR=[AR_ID=0,DNS=1.1.1.1]", session=ALICE)


@pytest.mark.parametrize("attribute", ["BRIDGE", "VN_MAD", "FILTER_IP_SPOOFING", "FILTER_MAC_SPOOFING"])
async def test_what_is_restricted_of_a_range_stays_as_administrators_set_it(
    front_end: Cloud, attribute: str
) -> None:
    network_id = await _alices_network(front_end)
    await front_end.call("one.vn.update_ar", network_id, f"AR=[AR_ID=0,{attribute}=set]")
    with pytest.raises(AuthorizationError, match=f"restricted attribute {attribute}"):
        await front_end.call("one.vn.update_ar", network_id, f"AR=[AR_ID=0,{attribute}=odd]", session=ALICE)
    for text in ("DNS=1.1.1.1", f"DNS=1.1.1.1,{attribute}=set"):
        await front_end.call("one.vn.update_ar", network_id, f"AR=[AR_ID=0,{text}]", session=ALICE)
        (shown,) = await _ranges(front_end, network_id)
        assert (shown.findtext(attribute), shown.findtext("DNS")) == ("set", "1.1.1.1")
    await front_end.call("one.vn.update_ar", network_id, "AR=[AR_ID=0]")
    (shown,) = await _ranges(front_end, network_id)
    assert shown.find(attribute) is None


# -- addresses held by hand ----------------------------------------------------------------------


@pytest.mark.parametrize("vector", ["IP=10.0.0.1", 'MAC="02:00:0a:00:00:01"'])
async def test_a_held_address_is_not_leased_until_it_is_released(front_end: Cloud, vector: str) -> None:
    network_id = await _network(front_end)
    await front_end.call("one.vn.hold", network_id, f"LEASES=[{vector}]")
    with pytest.raises(ActionError, match=r"Address is not part of the address range or in use\."):
        await front_end.call("one.vn.hold", network_id, f"LEASES=[{vector}]")
    vm_id = await front_end.add_vm(f"NIC=[NETWORK_ID={network_id}]")
    vm = await front_end.document("one.vm.info", vm_id)
    assert vm.findtext("TEMPLATE/NIC/IP") == "10.0.0.2"
    await front_end.call("one.vn.release", network_id, f"LEASES=[{vector}]")
    vm_id = await front_end.add_vm(f"NIC=[NETWORK_ID={network_id}]")
    vm = await front_end.document("one.vm.info", vm_id)
    assert vm.findtext("TEMPLATE/NIC/IP") == "10.0.0.1"


@pytest.mark.parametrize("vector", ["IP=10.9.9.9", "IP=x", "MAC=x", "X=y"])
async def test_addresses_that_the_network_does_not_have_cannot_be_held(front_end: Cloud, vector: str) -> None:
    network_id = await _network(front_end)
    with pytest.raises(ActionError, match="Address is not part of the address range or in use"):
        await front_end.call("one.vn.hold", network_id, f"LEASES=[{vector}]")


async def test_an_address_of_a_vm_is_neither_held_nor_released_by_hand(front_end: Cloud) -> None:
    network_id = await _network(front_end)
    await front_end.add_vm(f"NIC=[NETWORK_ID={network_id}]")
    with pytest.raises(ActionError, match="Address is not part of the address range or in use"):
        await front_end.call("one.vn.hold", network_id, "LEASES=[IP=10.0.0.1]")
    with pytest.raises(ActionError, match="Address is not on hold"):
        await front_end.call("one.vn.release", network_id, "LEASES=[IP=10.0.0.1]")
    assert front_end.network(network_id).used_leases == 1
