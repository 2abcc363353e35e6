from __future__ import annotations

from collections.abc import Callable, Iterable
from xml.etree.ElementTree import Element

import pytest

from opennebula_core.errors import DriverError

Described = Callable[..., Element]
AssertValid = Callable[[Iterable[str]], None]


SECRET = "3f0c2a52-5dd2-4c5b-9d5c-0d8b1f7f4a11"


def disk(text: str) -> str:
    return f"DISK = [ DISK_ID = 3, {text} ]"


CASES = [
    ("TARGET = sda", "target", {"dev": "sda", "bus": None}),
    ("TARGET = sda", "address", {"target": "0", "controller": "0"}),
    ("TARGET = sdaa", "address", {"target": "26"}),
    ("TARGET = vda", "target", {"bus": "virtio"}),
    ("TARGET = hda", "target", {"bus": "ide"}),
    ("TARGET = vda", "source", {"file": "/var/lib/one/datastores/0/7/disk.3"}),
    ("TARGET = vda", "driver", {"type": "raw", "cache": "none", "discard": "unmap", "io": None}),
    (
        "TARGET = vda, DRIVER = qcow2, CACHE = writeback, IO = threads",
        "driver",
        {"type": "qcow2", "io": "threads"},
    ),
    ("TARGET = vda, FORMAT = qcow2", "driver", {"type": "qcow2"}),
    ("TARGET = vda, READONLY = YES", "readonly", {}),
    ("TARGET = vda, SHAREABLE = yes", "shareable", {}),
    ("TARGET = vda, ORDER = 1", "boot", {"order": "1"}),
    ("TARGET = vda, TYPE = BLOCK", "source", {"dev": "/var/lib/one/datastores/0/7/disk.3"}),
    ("TARGET = hda, TYPE = CDROM, DRIVER = qcow2", "driver", {"type": "raw"}),
    ("TARGET = hda, TYPE = CDROM", "readonly", {}),
    (f"TARGET = vda, LUKS_SECRET = {SECRET}", "encryption/secret", {"uuid": SECRET}),
    (
        'TARGET = vda, TYPE = RBD, SOURCE = "one/one-1", CLONE = YES, CEPH_HOST = "m1 m2:6000 [::1]:7"',
        "source",
        {"protocol": "rbd", "name": "one/one-1-7-3"},
    ),
    (
        'TARGET = vda, TYPE = RBD, SOURCE = "one/one-1", CEPH_HOST = "m1 m2:6000"',
        "source/host[2]",
        {"port": "6000"},
    ),
    (
        'TARGET = vda, TYPE = RBD, SOURCE = "a/b", CEPH_HOST = "[::1]:7"',
        "source/host",
        {"name": "::1", "port": "7"},
    ),
    (
        'TARGET = vda, TYPE = RBD, SOURCE = "a/b", CEPH_HOST = "fe::1"',
        "source/host",
        {"name": "fe::1", "port": "6789"},
    ),
    ("TARGET = vda, TYPE = swap, DISK_TYPE = RBD, POOL_NAME = p", "source", {"name": "p/one-sys-7-3"}),
    (
        f'TARGET = vda, TYPE = RBD, SOURCE = "a/b", CEPH_USER = u, CEPH_SECRET = {SECRET}',
        "auth/secret",
        {"uuid": SECRET},
    ),
    ('TARGET = vda, TYPE = ISCSI, IQN = "iqn.1", ISCSI_HOST = h', "source/host", {"port": "3260"}),
    (
        'TARGET = vda, TYPE = GLUSTER, SOURCE = "v/d", GLUSTER_HOST = "h:1"',
        "source/host",
        {"transport": "tcp"},
    ),
]


@pytest.mark.parametrize(("attributes", "path", "expected"), CASES)
def test_a_disk_has(
    described: Described, attributes: str, path: str, expected: dict[str, str | None]
) -> None:
    found = described(disk(attributes)).find(f"devices/disk/{path}")

    assert found is not None
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.integration
def test_libvirt_accepts_these_disks(assert_valid: AssertValid) -> None:
    assert_valid(disk(attributes) for attributes, _, _ in CASES)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("TOTAL_IOPS_SEC = 100, READ_IOPS_SEC = 50", ["total_iops_sec"]),
        ("READ_IOPS_SEC = 50, WRITE_IOPS_SEC = 60", ["read_iops_sec", "write_iops_sec"]),
        ("TOTAL_BYTES_SEC = 9, TOTAL_BYTES_SEC_MAX = 8", ["total_bytes_sec"]),
        (
            "TOTAL_BYTES_SEC = 9, TOTAL_BYTES_SEC_MAX = 18, TOTAL_BYTES_SEC_MAX_LENGTH = 2,"
            " SIZE_IOPS_SEC = 4",
            ["total_bytes_sec", "total_bytes_sec_max", "total_bytes_sec_max_length", "size_iops_sec"],
        ),
        ("TOTAL_BYTES_SEC_MAX = 18", []),
        ("TOTAL_BYTES_SEC = fast", []),
    ],
)
def test_limits_of_a_disk(described: Described, attributes: str, expected: list[str]) -> None:
    domain = described(disk(f"TARGET = vda, {attributes}"))

    assert [limit.tag for limit in domain.iterfind("devices/disk/iotune/*")] == expected


@pytest.mark.parametrize(
    "attributes", ["TYPE = FILE", 'TARGET = "../vda"', "TARGET = \"vda' bus='x\"", "TARGET = vda1"]
)
def test_a_disk_without_a_usable_target_is_an_error(described: Described, attributes: str) -> None:
    with pytest.raises(DriverError, match="has the target"):
        described(disk(attributes))


def test_a_disks_number_cannot_lead_out_of_the_folder(described: Described) -> None:
    with pytest.raises(DriverError, match="DISK_ID"):
        described('DISK = [ DISK_ID = "0/../../8/disk.0", TARGET = vda ]')


def test_the_boot_list_orders_disks_and_nics(described: Described) -> None:
    template = 'OS = [ BOOT = "nic0, disk3" ]\nNIC = [ NIC_ID = 0, BRIDGE = br0 ]\n' + disk("TARGET = vda")

    domain = described(template)

    assert [boot.get("order") for boot in domain.iterfind("devices/disk/boot")] == ["2"]
    assert [boot.get("order") for boot in domain.iterfind("devices/interface/boot")] == ["1"]


def test_disks_of_a_q35_machine_are_on_sata(described: Described) -> None:
    template = 'OS = [ MACHINE = "q35", SD_DISK_BUS = sata ]\n' + disk("TARGET = sdb") + "\n"

    domain = described(template + "CONTEXT = [ TARGET = hda, DISK_ID = 4 ]")

    assert [target.get("bus") for target in domain.iterfind("devices/disk/target")] == ["sata", "sata"]
    address = domain.find("devices/disk/address")
    assert address is not None
    assert (address.get("controller"), address.get("target")) == ("1", "0")


def test_the_context_is_a_read_only_cd(described: Described) -> None:
    domain = described("CONTEXT = [ TARGET = hdb, DISK_ID = 4 ]")

    cd = domain.find("devices/disk")
    assert cd is not None
    assert cd.get("device") == "cdrom"
    assert cd.find("readonly") is not None
    assert cd.find("source[@file='/var/lib/one/datastores/0/7/disk.4']") is not None


def test_virtio_disks_take_turns_at_io_threads(described: Described) -> None:
    template = "FEATURES = [ IOTHREADS = 2, VIRTIO_BLK_QUEUES = auto ]\nVCPU = 4\n"
    disks = "".join(
        f"DISK = [ DISK_ID = {number}, TARGET = vd{letter} ]\n" for number, letter in enumerate("abc")
    )

    drivers = list(described(template + disks).iterfind("devices/disk/driver"))

    assert [driver.get("iothread") for driver in drivers] == ["1", "2", "1"]
    assert drivers[0].get("queues") == "4"


def test_the_scsi_controller_has_a_queue_for_each_processor(described: Described) -> None:
    controller = described("VCPU = 3").find("devices/controller[@model='virtio-scsi']/driver")

    assert controller is not None
    assert controller.get("queues") == "3"
