"""The parts of a domain that say what starts and on which processor: os, pm, cpu."""

from __future__ import annotations

from opennebula_core.errors import DriverError
from opennebula_core.model.template import Vector
from opennebula_vmm_kvm.domain_xml.capacity import KIB_PER_MIB, is_memory_hotplugged, numa_nodes
from opennebula_vmm_kvm.domain_xml.markup import (
    Value,
    block,
    block_unless_empty,
    cdata,
    element,
    empty,
    opening,
)
from opennebula_vmm_kvm.domain_xml.sources import Sources, is_yes, whole_number


def os_lines(sources: Sources, directory: str) -> list[str]:
    """Return ``<os>``, and ``<pm>`` for guests with UEFI.

    :param directory: the VM's folder on the host, for the firmware's variables
    :raises DriverError: no architecture is known, or the firmware is not one of OVMF_UEFIS
    """
    architecture = sources.value("OS", "ARCH")
    if not architecture:
        raise DriverError(f'describe VM {sources.vm_id}: no OS/ARCH; add OS = [ ARCH = "x86_64" ]')
    kind = opening("type", [("arch", architecture), ("machine", sources.value("OS", "MACHINE"))])
    inner = [f"{kind}hvm</type>", *_kernel(sources, directory), *_firmware(sources, directory)]
    lines = block("os", inner)
    if has_firmware(sources) and architecture != "aarch64":
        states = ("suspend-to-disk", "suspend-to-mem")
        lines += block("pm", [empty(state, [("enabled", "no")]) for state in states])
    return lines


def has_firmware(sources: Sources) -> bool:
    """Return whether the guest starts with UEFI instead of a BIOS."""
    return sources.value("OS", "FIRMWARE").upper() not in ("", "BIOS")


def is_secure_boot(sources: Sources) -> bool:
    """Return whether the firmware checks signatures, which needs SMM."""
    return has_firmware(sources) and is_yes(sources.value("OS", "FIRMWARE_SECURE"))


def cpu_lines(sources: Sources, domain_type: str) -> list[str]:
    """Return ``<cpu>``: model, topology and NUMA cells.

    :param domain_type: what the domain runs with; emulation knows no ``host-passthrough``
    """
    model = sources.value("CPU_MODEL", "MODEL")
    mode: list[tuple[str, str | None]] = []
    inner: list[str] = []
    if model in ("host-passthrough", "host-model", "maximum"):
        emulated = domain_type == "qemu" and model == "host-passthrough"
        mode = [("mode", "maximum" if emulated else model)]
    elif model:
        mode = [("mode", "custom"), ("match", "exact")]
        inner = [f"<model fallback='forbid'>{cdata(model)}</model>"]
    if model:
        features = sources.value("CPU_MODEL", "FEATURES").split(",")
        inner += [
            empty("feature", [("policy", "require"), ("name", name.strip())])
            for name in features
            if name.strip()
        ]
    inner += _topology(sources)
    if not inner:
        return [empty("cpu", mode)] if mode else []
    return block("cpu", inner, mode)


def _kernel(sources: Sources, directory: str) -> list[str]:
    kernel = sources.value("OS", "KERNEL")
    if not kernel:
        loader = sources.value("OS", "BOOTLOADER")
        return (
            [element("bootloader", sources.trusted_path(loader, directory, "OS/BOOTLOADER"))]
            if loader
            else []
        )
    lines = [element("kernel", sources.trusted_path(kernel, directory, "OS/KERNEL"))]
    if initrd := sources.value("OS", "INITRD"):
        lines.append(element("initrd", sources.trusted_path(initrd, directory, "OS/INITRD")))
    root = sources.value("OS", "ROOT")
    words = [f"root=/dev/{root}" if root else "", sources.value("OS", "KERNEL_CMD")]
    if any(words):
        lines.append(element("cmdline", " ".join(word for word in words if word)))
    return lines


def _firmware(sources: Sources, directory: str) -> list[str]:
    if not has_firmware(sources):
        return []
    firmware = sources.value("OS", "FIRMWARE")
    allowed = sources.single("OVMF_UEFIS").split()
    if firmware not in allowed:
        # A file of the host that a user could name freely would be read as the hypervisor.
        known = ", ".join(allowed) or "none"
        raise DriverError(
            f"describe VM {sources.vm_id}: firmware {firmware!r} is not in OVMF_UEFIS; allowed are {known}"
        )
    secure = "yes" if is_secure_boot(sources) else "no"
    loader = f'<loader readonly="yes" type="pflash" secure="{secure}">{cdata(firmware)}</loader>'
    return [loader, element("nvram", f"{directory}/one-{sources.vm_id}_VARS.fd")]


def _topology(sources: Sources) -> list[str]:
    topology = sources.vm.vector("TOPOLOGY") or Vector()
    lines = []
    if topology.get("SOCKETS") and topology.get("CORES") and topology.get("THREADS"):
        names = ("SOCKETS", "CORES", "THREADS")
        numbers = [(name.lower(), whole_number(topology[name], f"TOPOLOGY/{name}")) for name in names]
        lines.append(empty("topology", numbers))
    return lines + block_unless_empty("numa", _cells(sources, topology))


def _cells(sources: Sources, topology: Vector) -> list[str]:
    if is_memory_hotplugged(sources):
        # libvirt plugs DIMMs only into guests that have a NUMA cell.
        last = max(sources.number("VCPU_MAX"), sources.vcpus) - 1
        memory_kib = sources.number("MEMORY") * KIB_PER_MIB
        return [empty("cell", [("id", 0), ("cpus", f"0-{last}"), ("memory", memory_kib)])]
    cells, first = [], 0
    for number, node in enumerate(numa_nodes(sources)):
        count = whole_number(node.get("TOTAL_CPUS", ""), "NUMA_NODE/TOTAL_CPUS")
        memory_kib = whole_number(node.get("MEMORY", ""), "NUMA_NODE/MEMORY")
        access = topology.get("MEMORY_ACCESS", "").lower()
        attributes: list[tuple[str, Value]] = [
            ("id", number),
            ("memory", memory_kib),
            ("cpus", f"{first}-{first + count - 1}"),
            ("memAccess", access),
        ]
        cells.append(empty("cell", attributes))
        first += count
    return cells
