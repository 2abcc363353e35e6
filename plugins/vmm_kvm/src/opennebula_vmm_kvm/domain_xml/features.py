"""What a domain's machine can do: features, clock, guest agent, and OpenNebula's metadata."""

from __future__ import annotations

from opennebula_vmm_kvm.domain_xml.boot import has_firmware, is_secure_boot
from opennebula_vmm_kvm.domain_xml.markup import block, block_unless_empty, empty
from opennebula_vmm_kvm.domain_xml.sources import Sources, fragment


def feature_lines(sources: Sources, domain_type: str) -> list[str]:
    """Return ``<features>``.

    :param domain_type: Hyper-V's enlightenments exist under KVM only
    """
    # aarch64 has ACPI tables from its firmware alone; libvirt refuses the flag without one.
    can_acpi = sources.value("OS", "ARCH") != "aarch64" or has_firmware(sources)
    inner = []
    if sources.is_on("FEATURES", "PAE"):
        inner.append(empty("pae"))
    if sources.is_on("FEATURES", "ACPI") and can_acpi:
        inner.append(empty("acpi"))
    if sources.is_on("FEATURES", "APIC"):
        inner.append(empty("apic"))
    if is_hyperv(sources) and domain_type == "kvm":
        options = sources.vm.get("HYPERV_OPTIONS") or sources.single("HYPERV_OPTIONS")
        inner += block("hyperv", [fragment(options, "hyperv", "HYPERV_OPTIONS")]) if options else []
    if is_secure_boot(sources):
        inner.append(empty("smm", [("state", "on")]))
    return block_unless_empty("features", inner)


def clock_lines(sources: Sources, domain_type: str) -> list[str]:
    """Return ``<clock>`` when the guest wants local time or Hyper-V's timers."""
    is_local = sources.is_on("FEATURES", "LOCALTIME")
    offset = [("offset", "localtime" if is_local else "utc")]
    timers = sources.single("HYPERV_TIMERS") if is_hyperv(sources) and domain_type == "kvm" else ""
    if timers:
        return block("clock", [timers], offset)
    return [empty("clock", offset)] if is_local else []


def agent_lines(sources: Sources) -> list[str]:
    """Return the channel of the guest agent, in a ``<devices>`` of its own as OpenNebula writes it."""
    if not sources.is_on("FEATURES", "GUEST_AGENT"):
        return []
    ends = "<source mode='bind'/><target type='virtio' name='org.qemu.guest_agent.0'/>"
    return block("devices", block("channel", [ends], [("type", "unix")]))


def iothread_lines(sources: Sources) -> list[str]:
    """Return ``<iothreads>`` when the guest has any."""
    threads = sources.value("FEATURES", "IOTHREADS")
    return [f"<iothreads>{int(threads)}</iothreads>"] if threads.isdigit() and int(threads) else []


def is_hyperv(sources: Sources) -> bool:
    """Return whether the guest shall see Hyper-V's enlightenments."""
    return sources.is_on("FEATURES", "HYPERV")
