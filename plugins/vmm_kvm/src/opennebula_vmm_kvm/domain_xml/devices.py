"""Graphics, video, input and passed-through PCI devices of a domain."""

from __future__ import annotations

from collections.abc import Mapping

from opennebula_core.contracts.driver import Report
from opennebula_core.errors import DriverError
from opennebula_core.model.template import Vector
from opennebula_vmm_kvm.domain_xml.markup import Value, block, block_unless_empty, empty
from opennebula_vmm_kvm.domain_xml.sources import Sources, fragment, is_yes, positive

FIRST_CONSOLE_PORT = 5900
LAST_PORT = 65535
LEAST_VRAM_KIB = 1024


def graphics_lines(sources: Sources, report: Report) -> list[str]:
    """Return ``<graphics>`` for VNC and SPICE; other types are left out with a warning.

    SPICE_OPTIONS, which are pasted in behind SPICE, may name any device: administrators alone set them.
    """
    graphics = sources.vm.vector("GRAPHICS")
    if not graphics:
        return []
    kind = _graphics(sources, graphics, "TYPE").lower()
    if kind not in ("vnc", "spice"):
        report.warning(f"graphics of type {kind!r} are not supported; use vnc or spice")
        return []
    attributes = [
        ("type", kind),
        ("listen", _graphics(sources, graphics, "LISTEN")),
        *_port(graphics, sources.vm_id),
        ("passwd", graphics.get("PASSWD", "")),
        ("keymap", _graphics(sources, graphics, "KEYMAP")),
    ]
    lines = [empty("graphics", attributes)]
    if kind == "spice" and (options := sources.single("SPICE_OPTIONS")):
        lines.append(fragment(options, "devices", "SPICE_OPTIONS"))
    return lines


def video_lines(sources: Sources) -> list[str]:
    """Return ``<video>``, no line when the guest shall have the usual one."""
    video = sources.vm.vector("VIDEO")
    if not video or not video.get("TYPE"):
        return []
    kind = video["TYPE"].lower()
    vram_kib = positive(video, "VRAM")
    attributes = [("type", kind), ("vram", str(vram_kib) if vram_kib >= LEAST_VRAM_KIB else "")]
    width, _, height = video.get("RESOLUTION", "").lower().partition("x")
    if width.isdigit() and height.isdigit():
        model = block("model", [empty("resolution", [("x", width), ("y", height)])], attributes)
    else:
        model = [empty("model", attributes)]
    switches = [(name.lower(), "on") for name in ("IOMMU", "ATS") if is_yes(video.get(name, ""))]
    return block("video", [*([empty("driver", switches)] if switches else []), *model])


def input_lines(sources: Sources) -> list[str]:
    """Return ``<input>``, such as a tablet on USB."""
    device = sources.vm.vector("INPUT")
    if not device or not device.get("TYPE"):
        return []
    return [empty("input", [("type", device["TYPE"].lower()), ("bus", device.get("BUS", "").lower())])]


def pci_lines(sources: Sources) -> list[str]:
    """Return ``<hostdev>`` for each PCI device, and each NIC, that the guest gets whole.

    :raises DriverError: a device has no address, as it was not placed on a host yet
    """
    through = [
        *sources.vm.vectors("PCI"),
        *(n for n in sources.vm.vectors("NIC") if is_yes(n.get("PCI", ""))),
    ]
    return [line for device in through for line in _hostdev(device, sources.vm_id)]


def raw_lines(sources: Sources) -> list[str]:
    """Return what administrators add verbatim: the VM's own first, then the default."""
    vectors = [*sources.vm.vectors("RAW"), *sources.host.vectors("RAW"), *sources.defaults.vectors("RAW")]
    chosen = [raw.get("DATA", "") for raw in vectors if raw.get("TYPE", "").lower() == "kvm"]
    return [fragment(data, "domain", "RAW") for data in chosen if data]


def _graphics(sources: Sources, graphics: Vector, name: str) -> str:
    return graphics.get(name) or sources.default("GRAPHICS", name)


def _port(graphics: Vector, vm_id: int) -> list[tuple[str, Value]]:
    """Return the port that the core chose; without one the first console port plus the VM's id."""
    port = graphics.get("PORT") or str(FIRST_CONSOLE_PORT + vm_id)
    if port == "-1" or (port.isdigit() and int(port) > LAST_PORT):
        return [("port", "-1"), ("autoport", "yes")]
    return [("port", port)]


def _hostdev(device: Mapping[str, str], vm_id: int) -> list[str]:
    mode: list[tuple[str, Value]] = [("mode", "subsystem")]
    if uuid := device.get("UUID"):
        mode += [("type", "mdev"), ("model", "vfio-pci")]
        source = empty("address", [("uuid", uuid)])
    else:
        mode += [("type", "pci"), ("managed", "yes")]
        address = _address(device, "")
        if not address:
            raise DriverError(
                f"describe VM {vm_id}: a PCI device has no address; it needs DOMAIN, BUS, SLOT and FUNCTION, "
                f"which placement on a host gives it"
            )
        source = empty("address", address)
    guest = _address(device, "VM_")
    place = [empty("address", [("type", "pci"), *guest])] if guest else []
    return block("hostdev", [*block_unless_empty("source", [source]), *place], mode)


def _address(device: Mapping[str, str], prefix: str) -> list[tuple[str, Value]]:
    """Return the parts of a PCI address, with 0x; nothing unless all four are there."""
    values = [(part.lower(), device.get(prefix + part, "")) for part in ("DOMAIN", "BUS", "SLOT", "FUNCTION")]
    if not all(value for _, value in values):
        return []
    return [(part, "0x" + value.lower().removeprefix("0x")) for part, value in values]
