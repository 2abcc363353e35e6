from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from collections.abc import Callable

from pyone import bindings

from opennebula_core.documents.escape import unescape_document
from opennebula_core.documents.network import render_network, render_network_in_pool
from opennebula_core.model.objects import AddressRange, Lease, Network
from opennebula_core.model.template import Template, Vector

Read = Callable[..., ET.Element]


def a_network(*ranges: AddressRange) -> Network:
    return Network(
        id=5,
        name="private",
        bridge="br<0>",
        vn_mad="bridge",
        template=Template.parse('BRIDGE="br0" VN_MAD="bridge" SECURITY_GROUPS=0'),
        used_leases=2,
        ranges=list(ranges),
    )


def ipv4() -> AddressRange:
    leases = [Lease(0, 7), Lease(255, -1)]
    attributes = Vector(GATEWAY="10.0.0.1")
    return AddressRange(
        0, "IP4", 300, "02:00:0a:00:00:fe", "10.0.0.254", attributes=attributes, used_leases=2, leases=leases
    )


def ipv6() -> AddressRange:
    return AddressRange(
        1,
        "IP4_6",
        10,
        "02:00:c0:a8:00:01",
        "192.168.0.1",
        "2001:db8::",
        "fd00::",
        used_leases=1,
        leases=[Lease(1, 8)],
    )


def test_info_has_computed_ends_and_leases(read: Read) -> None:
    element = read(render_network(a_network(ipv4(), ipv6())))

    first, second = element.iterfind("AR_POOL/AR")
    assert [vm.text for vm in element.iterfind("UPDATED_VMS/ID")] == ["7", "8"]
    assert first.findtext("IP_END") == "10.0.2.41"
    assert first.findtext("MAC_END") == "02:00:0a:00:02:29"
    assert first.findtext("GATEWAY") == "10.0.0.1"
    assert [
        (lease.findtext("IP"), lease.findtext("MAC"), lease.findtext("VM")) for lease in first.iter("LEASE")
    ] == [
        ("10.0.0.254", "02:00:0a:00:00:fe", "7"),
        ("10.0.1.253", "02:00:0a:00:01:fd", "-1"),
    ]
    assert second.findtext("IP6_ULA") == "fd00::c0ff:fea8:1"
    assert second.findtext("IP6_GLOBAL_END") == "2001:db8::c0ff:fea8:a"
    assert second.findtext("LEASES/LEASE/IP6_LINK") == "fe80::c0ff:fea8:2"
    assert second.findtext("LEASES/LEASE/IP") == "192.168.0.2"


def test_the_pool_has_the_compact_form(read: Read) -> None:
    element = read(render_network_in_pool(a_network(ipv4())))

    assert element.findtext("AR_POOL/AR/ALLOCATED") == " 0 68719476743 255 73014444031"
    assert element.findtext("AR_POOL/AR/USED_LEASES") == "2"
    assert element.find("AR_POOL/AR/IP_END") is None


def test_a_network_without_ranges_or_leases_has_the_empty_elements(read: Read) -> None:
    ethernet = AddressRange(0, "ETHER", 5, "02:00:00:00:00:00")

    read(render_network(a_network()))
    element = read(render_network(a_network(ethernet)))

    assert len(element.find("AR_POOL/AR/LEASES") or []) == 0
    assert element.findtext("PARENT_NETWORK_ID") == ""
    assert element.findtext("BRIDGE") == "br<0>"


def test_ten_thousand_leases_take_a_moment() -> None:
    leases = [Lease(index, index) for index in range(10_000)]
    network = a_network(AddressRange(0, "IP4", 10_000, "02:00:0a:00:00:00", "10.0.0.0", leases=leases))
    before = time.process_time()

    render_network(network)

    assert time.process_time() - before < 5


def test_pyone_reads_info() -> None:
    network = bindings.parseString(unescape_document(render_network(a_network(ipv4()))).encode(), True)

    assert (network.ID, network.STATE, network.USED_LEASES, network.VLAN_ID) == (5, 1, 2, "")
    (address_range,) = network.AR_POOL.AR
    assert (address_range.SIZE, address_range.IP) == (300, "10.0.0.254")
    assert [lease.VM for lease in address_range.LEASES.LEASE] == [7, -1]
