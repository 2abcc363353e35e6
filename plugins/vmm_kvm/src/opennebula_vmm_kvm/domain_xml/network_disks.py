"""The sources of disks that QEMU reaches over the network: Ceph, iSCSI, Gluster, Sheepdog."""

from __future__ import annotations

from collections.abc import Mapping

from opennebula_core.model.template import Vector
from opennebula_vmm_kvm.domain_xml.markup import Value, block, empty
from opennebula_vmm_kvm.domain_xml.sources import Sources, is_yes

PROTOCOLS: Mapping[str, str] = {
    "RBD": "rbd",
    "ISCSI": "iscsi",
    "GLUSTER": "gluster",
    "SHEEPDOG": "sheepdog",
}
"""Disk TYPE to libvirt's name of the protocol."""

_HOSTS: Mapping[str, tuple[str, str, str]] = {
    "rbd": ("CEPH_HOST", "6789", ""),
    "iscsi": ("ISCSI_HOST", "3260", ""),
    "gluster": ("GLUSTER_HOST", "24007", "tcp"),
    "sheepdog": ("SHEEPDOG_HOST", "", ""),
}
"""Protocol to the attribute with its hosts, the usual port, the transport."""


def network_source(sources: Sources, disk: Vector, protocol: str) -> list[str]:
    """Return ``<source>``, and ``<auth>`` where the storage wants a user."""
    attribute, port, transport = _HOSTS[protocol]
    hosts = [_host(word, port, transport) for word in disk.get(attribute, "").split()]
    named = [("protocol", protocol), ("name", _name(sources, disk, protocol))]
    lines = block("source", hosts, named) if hosts else [empty("source", named)]
    return lines + _authentication(disk, protocol)


def _name(sources: Sources, disk: Vector, protocol: str) -> str:
    if protocol == "iscsi":
        return disk.get("IQN") or disk.get("SOURCE", "")
    suffix = f"-{sources.vm_id}-{disk.get('DISK_ID', '')}"
    source = disk.get("SOURCE", "")
    if not source:
        return f"{disk.get('POOL_NAME', '')}/one-sys{suffix}"
    return source + suffix if is_yes(disk.get("CLONE", "")) else source


def _host(word: str, usual_port: str, transport: str) -> str:
    """Return a host; an IPv6 address stands in brackets when a port follows it."""
    name, colon, port = word.rpartition(":")
    if not colon or not port.isdigit() or (":" in name and not name.endswith("]")):
        name, port = word, usual_port
    attributes: list[tuple[str, Value]] = [
        ("name", name.strip("[]")),
        ("port", port),
        ("transport", transport),
    ]
    return empty("host", attributes)


def _authentication(disk: Vector, protocol: str) -> list[str]:
    if protocol == "rbd" and disk.get("CEPH_USER"):
        secret = empty("secret", [("type", "ceph"), ("uuid", disk.get("CEPH_SECRET"))])
        return block("auth", [secret], [("username", disk["CEPH_USER"])])
    if protocol == "iscsi" and disk.get("ISCSI_USER") and disk.get("ISCSI_USAGE"):
        secret = empty("secret", [("type", "iscsi"), ("usage", disk["ISCSI_USAGE"])])
        return block("auth", [secret], [("username", disk["ISCSI_USER"])])
    return []
