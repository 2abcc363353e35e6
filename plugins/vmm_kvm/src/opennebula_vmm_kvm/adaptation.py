"""What a host makes necessary to change in a finished description. Pure functions."""

from __future__ import annotations

from xml.etree.ElementTree import Element, register_namespace, tostring

from opennebula_core.errors import DriverError, XmlError
from opennebula_core.model.elements import parse_element
from opennebula_vmm_kvm.domain_xml.describe import METADATA_NAMESPACE
from opennebula_vmm_kvm.domain_xml.sources import QEMU_NAMESPACE

register_namespace("qemu", QEMU_NAMESPACE)
register_namespace("one", METADATA_NAMESPACE)

BUFFERED = {"none": "writeback", "directsync": "writethrough"}
"""What promises the guest the same about flushes, without O_DIRECT. Source: QEMU, ``-drive cache``."""

KVM_TIMERS = frozenset({"kvmclock", "hypervclock"})


def is_kvm(description: str) -> bool:
    """Return whether a description asks for KVM.

    :raises DriverError: it is no domain
    """
    return _domain(description).get("type") == "kvm"


def emulated(description: str) -> str:
    """Return the description for a host without KVM: what exists under KVM alone is replaced or dropped.

    :raises DriverError: it is no domain
    """
    domain = _domain(description)
    domain.set("type", "qemu")
    for cpu in domain.findall("cpu"):
        if cpu.get("mode") in ("host-passthrough", "host-model"):
            cpu.set("mode", "maximum")
            _drop(cpu, "model")
    for features in domain.findall("features"):
        _drop(features, "hyperv")
        _drop(features, "kvm")
    for clock in domain.findall("clock"):
        for timer in clock.findall("timer"):
            if timer.get("name") in KVM_TIMERS:
                clock.remove(timer)
    return tostring(domain, encoding="unicode")


def buffered(description: str) -> str:
    """Return the description with disks that go through the host's page cache.

    :raises DriverError: it is no domain
    """
    domain = _domain(description)
    for driver in domain.iterfind("devices/disk/driver"):
        cache = driver.get("cache", "")
        if cache in BUFFERED:
            driver.set("cache", BUFFERED[cache])
            if driver.get("io") == "native":
                del driver.attrib["io"]  # needs O_DIRECT
    return tostring(domain, encoding="unicode")


def relocated(description: str, directory: str) -> str:
    """Return the description of a saved guest whose files now lie in ``directory``; the same when they did.

    :raises DriverError: it is no domain
    """
    domain = _domain(description)
    note = domain.find(f"metadata/{{{METADATA_NAMESPACE}}}vm/{{{METADATA_NAMESPACE}}}system_datastore")
    before = (note.text or "").rstrip("/") if note is not None else ""
    if note is None or not before or before == directory:
        return description
    note.text = directory
    for source in (*domain.iterfind("devices/disk/source"), *domain.iterfind("devices/interface/source")):
        for attribute in ("file", "dev", "path"):
            path = source.get(attribute, "")
            if path.startswith(before + "/"):
                source.set(attribute, directory + path.removeprefix(before))
    return tostring(domain, encoding="unicode")


def _domain(description: str) -> Element:
    try:
        domain = parse_element(description)
    except XmlError as error:
        raise DriverError(f"read the domain: {error}; see the hooks that change it") from error
    if domain.tag != "domain":
        raise DriverError(f"read the domain: its root is {domain.tag!r}; it must be 'domain'")
    return domain


def _drop(parent: Element, tag: str) -> None:
    for child in parent.findall(tag):
        parent.remove(child)
