from __future__ import annotations

from collections.abc import Callable, Iterable
from xml.etree.ElementTree import Element

import pytest

from opennebula_core.errors import DriverError

Described = Callable[..., Element]
AssertValid = Callable[[Iterable[str]], None]

CASES = [
    ("BRIDGE = br0", ".", {"type": "bridge"}),
    ("BRIDGE = br0", "source", {"bridge": "br0"}),
    ("MTU = 1500", ".", {"type": "ethernet"}),
    ("BRIDGE = br0, BRIDGE_TYPE = openvswitch", "virtualport", {"type": "openvswitch"}),
    ("BRIDGE = br0, BRIDGE_TYPE = openvswitch_dpdk", ".", {"type": "vhostuser"}),
    ('BRIDGE = br0, MAC = "02:00:0a:00:00:02"', "mac", {"address": "02:00:0a:00:00:02"}),
    ("BRIDGE = br0, NIC_ID = 2", "target", {"dev": "one-7-2"}),
    ("BRIDGE = br0, TARGET = tap1", "target", {"dev": "tap1"}),
    ("BRIDGE = br0", "model", {"type": "virtio"}),
    ("BRIDGE = br0, MODEL = e1000", "model", {"type": "e1000"}),
    ("BRIDGE = br0, VIRTIO_QUEUES = auto", "driver", {"name": "vhost", "queues": "4"}),
    ('BRIDGE = br0, IP = "10.0.0.1", FILTER = clean-traffic', "filterref", {"filter": "clean-traffic"}),
    ('BRIDGE = br0, IP = "10.0.0.1", FILTER = clean-traffic', "filterref/parameter", {"value": "10.0.0.1"}),
    (
        "BRIDGE = br0, INBOUND_AVG_BW = 10, INBOUND_PEAK_KB = 5",
        "bandwidth/inbound",
        {"average": "10", "burst": "5"},
    ),
    ("BRIDGE = br0, OUTBOUND_AVG_BW = 3, OUTBOUND_PEAK_BW = 9", "bandwidth/outbound", {"peak": "9"}),
    ("BRIDGE = br0, ORDER = 2", "boot", {"order": "2"}),
]


@pytest.mark.parametrize(("attributes", "path", "expected"), CASES)
def test_a_nic_has(described: Described, attributes: str, path: str, expected: dict[str, str]) -> None:
    interface = described(f"VCPU = 4\nNIC = [ {attributes} ]").find("devices/interface")

    assert interface is not None
    found = interface if path == "." else interface.find(path)
    assert found is not None
    assert expected.items() <= found.attrib.items()


@pytest.mark.integration
def test_libvirt_accepts_these_nics(assert_valid: AssertValid) -> None:
    assert_valid(f"VCPU = 4\nNIC = [ {attributes} ]" for attributes, _, _ in CASES)


@pytest.mark.parametrize(
    ("attributes", "path"),
    [
        ("BRIDGE = br0, FILTER = clean-traffic", "filterref"),
        ("BRIDGE = br0, MODEL = e1000, VIRTIO_QUEUES = 4", "driver"),
        ("BRIDGE = br0", "bandwidth"),
        ("BRIDGE = br0, OUTBOUND_PEAK_BW = 9", "bandwidth"),
    ],
)
def test_a_nic_has_no(described: Described, attributes: str, path: str) -> None:
    assert described(f"NIC = [ {attributes} ]").find(f"devices/interface/{path}") is None


@pytest.mark.parametrize("attributes", ["BRIDGE = br0, TYPE = VFIO", 'BRIDGE = br0, PCI = YES, UUID = "u"'])
def test_a_nic_that_is_no_interface_is_left_out(described: Described, attributes: str) -> None:
    assert described(f"NIC = [ {attributes} ]").find("devices/interface") is None


def test_a_script_that_a_user_names_does_not_run_as_root(described: Described) -> None:
    with pytest.raises(DriverError, match="TRUSTED_FOLDERS"):
        described('NIC = [ SCRIPT = "/tmp/mine" ]')


@pytest.mark.parametrize("target", ["../../etc/x", "a" * 16, "a b"])
def test_a_target_that_is_no_interface_name_is_an_error(described: Described, target: str) -> None:
    with pytest.raises(DriverError, match="has the target"):
        described(f'NIC = [ BRIDGE = br0, TARGET = "{target}" ]')
