from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest

from opennebula_core import __version__
from opennebula_core.contracts.vmm import Guest
from opennebula_core.errors import DriverError
from opennebula_core.model.template import Template
from opennebula_vmm_kvm.domain_xml import describe
from opennebula_vmm_kvm.domain_xml.sources import QEMU_NAMESPACE
from opennebula_vmm_kvm.options import merged_defaults

DATA = Path(__file__).parent / "data"
Described = Callable[..., Element]
AssertValid = Callable[[Iterable[str]], None]
MakeGuest = Callable[..., Guest]


def test_a_description_is_what_opennebula_wrote_for_the_same_vm() -> None:
    document = fromstring((DATA / "vm.xml").read_text())
    template = document.find("TEMPLATE")
    assert template is not None
    guest = Guest(
        vm_id=0,
        name="web 1",
        host="host1",
        deploy_id="",
        directory="/var/lib/one//datastores/0/0",
        template=Template.from_element(template),
        user_template=Template(),
        document=document,
        datastore=Element("DATASTORE"),
    )

    text = describe(
        guest,
        merged_defaults('EMULATOR = "/usr/bin/qemu-kvm-one"'),
        domain_type="kvm",
        now=datetime.fromtimestamp(1795328447, UTC),
    )

    recorded = (DATA / "deployment.0").read_text()
    assert text == recorded.replace(">6.10.5<", f">{__version__}<")


CASES = [
    ("CPU = 0.5", "cputune/shares", {}, "512"),
    ("CPU = 0.001", "cputune/shares", {}, "2"),
    ("CPU = 999999", "cputune/shares", {}, "262144"),
    ("", "memory", {}, "131072"),
    ("VCPU = 2", "vcpu", {}, "2"),
    ("VCPU = 2\nVCPU_MAX = 8", "vcpu", {"current": "2"}, "8"),
    ("MEMORY_MAX = 256", "memory", {}, "262144"),
    ("MEMORY_MAX = 256", "currentMemory", {}, "131072"),
    ('MEMORY_MAX = 256\nMEMORY_RESIZE_MODE = "HOTPLUG"', "memory", {}, "131072"),
    ('MEMORY_MAX = 256\nMEMORY_RESIZE_MODE = "HOTPLUG"', "maxMemory", {"slots": "16"}, "262144"),
    ('MEMORY_MAX = 256\nMEMORY_RESIZE_MODE = "HOTPLUG"', "cpu/numa/cell", {"memory": "131072"}, None),
    ("", "os/type", {"arch": "x86_64"}, "hvm"),
    ('OS = [ MACHINE = "pc" ]', "os/type", {"machine": "pc"}, "hvm"),
    ('OS = [ KERNEL = "/k/k", ROOT = "sda1", KERNEL_CMD = "ro" ]', "os/kernel", {}, "/k/k"),
    ('OS = [ KERNEL = "/k/k", ROOT = "sda1", KERNEL_CMD = "ro" ]', "os/cmdline", {}, "root=/dev/sda1 ro"),
    ('OS = [ KERNEL = "/k/k", INITRD = "/k/i" ]', "os/initrd", {}, "/k/i"),
    ('OS = [ FIRMWARE = "/u/CODE.fd" ]', "os/loader", {"type": "pflash", "secure": "no"}, "/u/CODE.fd"),
    ('OS = [ FIRMWARE = "/u/CODE.fd" ]', "os/nvram", {}, "/var/lib/one/datastores/0/7/one-7_VARS.fd"),
    ('OS = [ FIRMWARE = "/u/CODE.fd" ]', "pm/suspend-to-mem", {"enabled": "no"}, None),
    (
        'OS = [ FIRMWARE = "/u/CODE.fd", FIRMWARE_SECURE = YES, MACHINE = "q35" ]',
        "features/smm",
        {"state": "on"},
        None,
    ),
    ('CPU_MODEL = [ MODEL = "host-passthrough" ]', "cpu", {"mode": "host-passthrough"}, None),
    ('CPU_MODEL = [ MODEL = "Haswell" ]', "cpu", {"mode": "custom"}, None),
    ('CPU_MODEL = [ MODEL = "Haswell" ]', "cpu/model", {"fallback": "forbid"}, "Haswell"),
    ('CPU_MODEL = [ MODEL = "Haswell", FEATURES = "pcid,vmx" ]', "cpu/feature[2]", {"name": "vmx"}, None),
    ("VCPU = 2\nTOPOLOGY = [ SOCKETS = 1, CORES = 2, THREADS = 1 ]", "cpu/topology", {"cores": "2"}, None),
    ("TOPOLOGY = [ HUGEPAGE_SIZE = 2 ]", "memoryBacking/hugepages/page", {"size": "2", "unit": "M"}, None),
    ("FEATURES = [ IOTHREADS = 2 ]", "iothreads", {}, "2"),
    ("", "features/acpi", {}, None),
    ("FEATURES = [ PAE = YES ]", "features/pae", {}, None),
    ("FEATURES = [ LOCALTIME = yes ]", "clock", {"offset": "localtime"}, None),
    ("FEATURES = [ HYPERV = yes ]", "features/hyperv/relaxed", {"state": "on"}, None),
    ("FEATURES = [ HYPERV = yes ]", "clock/timer", {"name": "hypervclock"}, None),
    ("", "devices/channel/target", {"name": "org.qemu.guest_agent.0"}, None),
    (
        'GRAPHICS = [ TYPE = VNC, LISTEN = "0.0.0.0" ]',
        "devices/graphics",
        {"type": "vnc", "port": "5907"},
        None,
    ),
    ('GRAPHICS = [ TYPE = vnc, PORT = "5999" ]', "devices/graphics", {"port": "5999"}, None),
    ("GRAPHICS = [ TYPE = SPICE ]", "devices/graphics", {"type": "spice"}, None),
    ("GRAPHICS = [ TYPE = SPICE ]", "devices/redirdev", {"type": "spicevmc"}, None),
    (
        'VIDEO = [ TYPE = virtio, RESOLUTION = "1920x1080" ]',
        "devices/video/model/resolution",
        {"x": "1920"},
        None,
    ),
    ("VIDEO = [ TYPE = virtio, VRAM = 16384, IOMMU = yes ]", "devices/video/driver", {"iommu": "on"}, None),
    ("INPUT = [ TYPE = tablet, BUS = usb ]", "devices/input", {"type": "tablet", "bus": "usb"}, None),
    (
        'PCI = [ DOMAIN = "0000", BUS = "0a", SLOT = "00", FUNCTION = "1", VM_DOMAIN = "0x0",'
        ' VM_BUS = "0x01", VM_SLOT = "0x02", VM_FUNCTION = "0" ]',
        "devices/hostdev/source/address",
        {"bus": "0x0a", "function": "0x1"},
        None,
    ),
    ('PCI = [ UUID = "3f0c2a52-5dd2-4c5b-9d5c-0d8b1f7f4a11" ]', "devices/hostdev", {"type": "mdev"}, None),
    ('OS = [ MACHINE = "q35" ]', "devices/controller[@model='pcie-to-pci-bridge']", {}, None),
    (
        'RAW = [ TYPE = KVM, DATA = "<qemu:commandline/>" ]',
        f"{{{QEMU_NAMESPACE}}}commandline",
        {},
        None,
    ),
]


@pytest.mark.parametrize(("template", "path", "attributes", "text"), CASES)
def test_a_template_becomes_an_element(
    described: Described, template: str, path: str, attributes: dict[str, str], text: str | None
) -> None:
    found = described(template).find(path)

    assert found is not None
    assert attributes.items() <= found.attrib.items()
    assert text is None or found.text == text


@pytest.mark.integration
def test_libvirt_accepts_these_elements(assert_valid: AssertValid) -> None:
    assert_valid(template for template, *_ in CASES)


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("", "vcpu"),
        ("", "cputune"),
        ("", "clock"),
        ("", "devices/emulator"),
        ("", "devices/graphics"),
        ("FEATURES = [ ACPI = no ]", "features/acpi"),
        ("FEATURES = [ GUEST_AGENT = no ]", "devices/channel"),
        ("GRAPHICS = [ TYPE = sdl ]", "devices/graphics"),
        ('RAW = [ TYPE = xen, DATA = "<a/>" ]', "a"),
        ('OS = [ FIRMWARE = "BIOS" ]', "os/loader"),
    ],
)
def test_a_template_leaves_an_element_out(described: Described, template: str, path: str) -> None:
    assert described(template).find(path) is None


def test_a_host_with_version_2_of_control_groups_has_other_weights(described: Described) -> None:
    domain = described("CPU = 0.5", host_template="CGROUPS_VERSION = 2")

    assert domain.findtext("cputune/shares") == "50"


def test_graphics_of_another_type_are_warned_of(described: Described, reported: list[str]) -> None:
    described("GRAPHICS = [ TYPE = sdl ]")

    assert reported == ["W graphics of type 'sdl' are not supported; use vnc or spice"]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("MEMORY = much", "MEMORY of VM 7 is 'much'"),
        ("CPU = nan\nMEMORY = 1", "CPU is 'nan'"),
        ("MEMORY = 1\nPCI = [ BUS = 1 ]", "a PCI device has no address"),
        ('MEMORY = 1\nOS = [ FIRMWARE = "/etc/shadow" ]', "is not in OVMF_UEFIS"),
        ('MEMORY = 1\nOS = [ KERNEL = "/etc/shadow" ]', "outside of /var/lib/one/datastores/0/7"),
        ('MEMORY = 1\nOS = [ KERNEL = "/var/lib/one/datastores/0/7/../8/disk.0" ]', "outside of"),
        ("", "no MEMORY in its template"),
    ],
)
def test_what_cannot_be_described_is_an_error(described: Described, template: str, message: str) -> None:
    with pytest.raises(DriverError, match=message):
        described(template, with_memory=False)


def test_no_architecture_anywhere_is_an_error(described: Described) -> None:
    with pytest.raises(DriverError, match="no OS/ARCH"):
        described("", defaults='OS = [ ARCH = "" ]')


def test_the_vms_own_raw_comes_before_the_default_one(described: Described) -> None:
    domain = described('RAW = [ TYPE = kvm, DATA = "<a/>" ]', defaults='RAW = [ TYPE = kvm, DATA = "<b/>" ]')

    assert [child.tag for child in domain if child.tag in "ab"] == ["a", "b"]


def test_emulation_has_no_features_of_kvm(described: Described) -> None:
    template = 'CPU_MODEL = [ MODEL = "host-passthrough" ]\nFEATURES = [ HYPERV = yes ]'

    domain = described(template, domain_type="qemu")

    assert domain.get("type") == "qemu"
    assert domain.find("cpu[@mode='maximum']") is not None
    assert domain.find("features/hyperv") is None


def test_pinned_nodes_bind_processors_and_memory(described: Described) -> None:
    node = 'NUMA_NODE = [ TOTAL_CPUS = 2, MEMORY = 65536, CPUS = "{}", NODE_ID = {}, MEMORY_NODE_ID = {} ]\n'
    topology = "VCPU = 4\nTOPOLOGY = [ PIN_POLICY = CORE ]\n"

    domain = described(topology + node.format("0,4", 0, 0) + node.format("1,5", 1, 1))

    pins = [(pin.get("vcpu"), pin.get("cpuset")) for pin in domain.iterfind("cputune/vcpupin")]
    assert pins == [("0", "0"), ("1", "4"), ("2", "1"), ("3", "5")]
    assert [pin.get("cpuset") for pin in domain.iterfind("cputune/emulatorpin")] == ["0,4,1,5"]
    assert [cell.get("cpus") for cell in domain.iterfind("cpu/numa/cell")] == ["0-1", "2-3"]
    assert [node.get("nodeset") for node in domain.iterfind("numatune/memnode")] == ["0", "1"]


HOSTILE = "a'b<c>&\"]]>\x01</domain><!--"
QUOTED = HOSTILE.replace("\x01", "")


@pytest.mark.parametrize(
    ("build", "path", "attribute"),
    [
        (lambda text: [("GRAPHICS", {"TYPE": "vnc", "PASSWD": text})], "devices/graphics", "passwd"),
        (lambda text: [("NIC", {"BRIDGE": text, "MAC": text})], "devices/interface/source", "bridge"),
        (
            lambda text: [("DISK", {"TARGET": "vda", "DISK_ID": "0", "CACHE": text})],
            "devices/disk/driver",
            "cache",
        ),
        (lambda text: [("CPU_MODEL", {"MODEL": text})], "cpu/model", ""),
        (lambda text: [("OS", {"UUID": text, "MACHINE": text})], "uuid", ""),
        (lambda text: [("OS", {"KERNEL": "/k/k", "KERNEL_CMD": text})], "os/cmdline", ""),
    ],
)
def test_a_hostile_value_stays_a_value(
    make_guest: MakeGuest, build: Callable[[str], list[tuple[str, dict[str, str]]]], path: str, attribute: str
) -> None:
    guest = make_guest("MEMORY = 1", name=HOSTILE)
    for name, vector in build(HOSTILE):
        guest.template.add(name, vector)
    defaults = merged_defaults('TRUSTED_FOLDERS = "/k"')

    domain = fromstring(describe(guest, defaults, domain_type="kvm", now=datetime.now(UTC)))

    found = domain.find(path)
    assert found is not None
    assert (found.get(attribute) if attribute else found.text) == QUOTED
    assert domain.findtext("title") == QUOTED


@pytest.mark.parametrize(
    "template",
    [
        'RAW = [ TYPE = kvm, DATA = "</domain><domain>" ]',
        'FEATURES = [ HYPERV = yes ]\nHYPERV_OPTIONS = "</hyperv></features><devices/><features><hyperv>"',
    ],
    ids=["raw", "hyperv"],
)
def test_pasted_xml_cannot_break_out(described: Described, template: str) -> None:
    with pytest.raises(DriverError, match="not well-formed"):
        described(template)


def test_users_cannot_add_devices_through_the_options_of_spice(described: Described) -> None:
    domain = described("GRAPHICS = [ TYPE = spice ]\nSPICE_OPTIONS = \"<disk type='block'/>\"")

    assert domain.find("devices/disk") is None


def test_a_password_has_its_entities(make_guest: MakeGuest) -> None:
    guest = make_guest('MEMORY = 1\nGRAPHICS = [ TYPE = vnc, PASSWD = "a\'b<c" ]')

    text = describe(guest, merged_defaults(""), domain_type="kvm", now=datetime.now(UTC))

    assert "passwd='a&apos;b&lt;c'" in text
