"""The whole domain description, put together from its parts."""

from __future__ import annotations

import re
from datetime import datetime

from opennebula_core import __version__
from opennebula_core.contracts.vmm import Guest
from opennebula_core.errors import DriverError, XmlError
from opennebula_core.model.elements import parse_element
from opennebula_core.model.template import Template, Vector
from opennebula_vmm_kvm.domain_xml.boot import cpu_lines, os_lines
from opennebula_vmm_kvm.domain_xml.capacity import (
    cputune_lines,
    hugepage_lines,
    memory_lines,
    numatune_lines,
    vcpu_lines,
)
from opennebula_vmm_kvm.domain_xml.devices import (
    graphics_lines,
    input_lines,
    pci_lines,
    raw_lines,
    video_lines,
)
from opennebula_vmm_kvm.domain_xml.disks import context_lines, controller_lines, disk_lines
from opennebula_vmm_kvm.domain_xml.features import agent_lines, clock_lines, feature_lines, iothread_lines
from opennebula_vmm_kvm.domain_xml.markup import block, cdata, element, escape, indent
from opennebula_vmm_kvm.domain_xml.nics import is_interface, nic_lines
from opennebula_vmm_kvm.domain_xml.sources import QEMU_NAMESPACE, Sources

METADATA_NAMESPACE = "http://opennebula.org/xmlns/libvirt/1.0"

_BOOT_DEVICE = re.compile(r"(disk|nic)(\d+)\Z")


def describe(guest: Guest, defaults: Template, *, domain_type: str, now: datetime) -> str:
    """Return the libvirt domain for a guest.

    :param defaults: the driver's settings in the syntax of ``vmm_exec_kvm.conf``
    :param domain_type: ``kvm``, or ``qemu`` for emulation
    :param now: goes into the metadata as the time of deployment
    :raises DriverError: the template lacks something, has what it may not, or is not well-formed with its RAW
    """
    sources = sources_of(guest, defaults)
    head = f"<domain type='{domain_type}' xmlns:qemu='{QEMU_NAMESPACE}'>"
    body = [
        *_head(guest, sources),
        *vcpu_lines(sources),
        *cputune_lines(sources),
        *memory_lines(sources),
        *hugepage_lines(sources),
        *numatune_lines(sources),
        *os_lines(sources, guest.directory),
        *cpu_lines(sources, domain_type),
        *iothread_lines(sources),
        *block("devices", _devices(guest, sources)),
        *feature_lines(sources, domain_type),
        *agent_lines(sources),
        *clock_lines(sources, domain_type),
        *raw_lines(sources),
        *_metadata(guest, now),
    ]
    text = "\n".join([head, *indent(body), "</domain>"]) + "\n"
    _check_well_formed(text, guest.vm_id)
    return text


def sources_of(guest: Guest, defaults: Template) -> Sources:
    """Return where the values of a guest's description come from."""
    host = guest.host_document.find("TEMPLATE")
    return Sources(
        vm_id=guest.vm_id,
        vm=guest.template,
        host=Template() if host is None else Template.from_element(host),
        defaults=defaults,
    )


def disk_path(guest: Guest, disk: Vector) -> str:
    """Return the disk's file on the host, whatever its SOURCE is.

    :raises DriverError: its DISK_ID is no number: it must not lead out of the VM's folder
    """
    disk_id = disk.get("DISK_ID", "")
    if not (disk_id.isascii() and disk_id.isdigit()):
        raise DriverError(
            f"describe VM {guest.vm_id}: a disk has the DISK_ID {disk_id!r}; it must be a number"
        )
    return f"{guest.directory}/disk.{disk_id}"


def boot_order(template: Template, kind: str, device: Vector) -> str:
    """Return a disk's or NIC's turn at boot: its ORDER, else its place in ``OS/BOOT = "disk0,nic0"``.

    :param kind: ``disk`` or ``nic``
    """
    if device.get("ORDER"):
        return device["ORDER"]
    words = (template.vector("OS") or Vector()).get("BOOT", "").lower().replace(" ", "").split(",")
    named = [match.groups() for word in words if (match := _BOOT_DEVICE.match(word))]
    me = (kind, device.get(f"{kind.upper()}_ID", ""))
    return str(named.index(me) + 1) if me in named else ""


def _head(guest: Guest, sources: Sources) -> list[str]:
    lines = [f"<name>one-{guest.vm_id}</name>", f"<title>{escape(guest.name)}</title>"]
    uuid = (sources.vm.vector("OS") or Vector()).get("UUID")
    return [*lines, f"<uuid>{escape(uuid)}</uuid>"] if uuid else lines


def _devices(guest: Guest, sources: Sources) -> list[str]:
    emulator = sources.single("EMULATOR")
    lines = [element("emulator", emulator)] if emulator else []
    for disk in sources.vm.vectors("DISK"):
        lines += disk_lines(sources, disk, disk_path(guest, disk), boot_order(sources.vm, "disk", disk))
    lines += context_lines(sources, guest.directory)
    lines += controller_lines(sources)
    for nic in filter(is_interface, sources.vm.vectors("NIC")):
        lines += nic_lines(sources, nic, guest.directory, boot_order(sources.vm, "nic", nic))
    lines += graphics_lines(sources, guest.report)
    return [*lines, *video_lines(sources), *input_lines(sources), *pci_lines(sources)]


def _metadata(guest: Guest, now: datetime) -> list[str]:
    def of_vm(name: str) -> str:
        return guest.document.findtext(name, "")

    values = [
        ("system_datastore", cdata(guest.directory)),
        ("name", cdata(guest.name)),
        ("uname", cdata(of_vm("UNAME"))),
        ("uid", escape(of_vm("UID"))),
        ("gname", cdata(of_vm("GNAME"))),
        ("gid", escape(of_vm("GID"))),
        ("opennebula_version", escape(__version__)),
        ("stime", escape(of_vm("STIME"))),
        ("deployment_time", str(int(now.timestamp()))),
    ]
    inner = [f"<one:{name}>{text}</one:{name}>" for name, text in values]
    head = f'<one:vm xmlns:one="{METADATA_NAMESPACE}">'
    return block("metadata", [head, *indent(inner), "</one:vm>"])


def _check_well_formed(text: str, vm_id: int) -> None:
    try:
        parse_element(text)
    except XmlError as error:
        raise DriverError(
            f"describe VM {vm_id}: the domain is not well-formed: {error}; "
            f"look at RAW, HYPERV_OPTIONS and SPICE_OPTIONS, which are taken verbatim"
        ) from error
