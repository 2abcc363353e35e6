"""The network interfaces of a domain."""

from __future__ import annotations

import re
from collections.abc import Mapping

from opennebula_core.errors import DriverError
from opennebula_core.model.template import Vector
from opennebula_vmm_kvm.domain_xml.markup import block, empty
from opennebula_vmm_kvm.domain_xml.sources import Sources, is_yes, positive, queues

OPEN_VSWITCH = "openvswitch"
DPDK = "openvswitch_dpdk"

_INTERFACE = re.compile(r"[A-Za-z0-9_.-]{1,15}\Z")
"""Source: Linux, IFNAMSIZ."""


def is_interface(nic: Mapping[str, str]) -> bool:
    """Return whether the NIC is an emulated one; passed-through devices and other types are not."""
    return nic.get("TYPE", "NIC").upper() in ("", "NIC") and not is_yes(nic.get("PCI", ""))


def target_of(nic: Mapping[str, str], vm_id: int) -> str:
    """Return the name of the interface on the host, such as ``one-7-0``.

    :raises DriverError: TARGET is no name for one
    """
    target = nic.get("TARGET") or f"one-{vm_id}-{nic.get('NIC_ID', '0')}"
    if not _INTERFACE.match(target):
        raise DriverError(f"describe VM {vm_id}: a NIC has the target {target!r}; write an interface's name")
    return target


def nic_lines(sources: Sources, nic: Vector, directory: str, order: str = "") -> list[str]:
    """Return one ``<interface>``.

    :param order: the NIC's turn at boot, from 1; empty for none
    """
    kind = _kind(nic)
    target = target_of(nic, sources.vm_id)
    model = nic.get("MODEL") or sources.default("NIC", "MODEL")
    inner = _source(nic, kind, f"{directory}/{target}")
    if mac := nic.get("MAC"):
        inner.append(empty("mac", [("address", mac)]))
    if kind != "vhostuser":
        inner.append(empty("target", [("dev", target)]))
    if order:
        inner.append(empty("boot", [("order", order)]))
    if script := nic.get("SCRIPT"):
        # It runs as root on the host.
        inner.append(empty("script", [("path", sources.trusted_path(script, directory, "NIC/SCRIPT"))]))
    if model:
        inner.append(empty("model", [("type", model)]))
    if model == "virtio" and (
        wanted := nic.get("VIRTIO_QUEUES") or sources.value("FEATURES", "VIRTIO_QUEUES")
    ):
        inner.append(empty("driver", [("name", "vhost"), ("queues", queues(wanted, sources.vcpus))]))
    inner += [*_filter(sources, nic), *_bandwidth(sources, nic)]
    return block("interface", inner, [("type", kind)])


def _kind(nic: Mapping[str, str]) -> str:
    if not nic.get("BRIDGE"):
        return "ethernet"
    return "vhostuser" if nic.get("BRIDGE_TYPE") == DPDK else "bridge"


def _source(nic: Mapping[str, str], kind: str, socket: str) -> list[str]:
    if kind == "ethernet":
        return []
    if kind == "vhostuser":
        return [empty("source", [("type", "unix"), ("path", socket), ("mode", "server")])]
    lines = [empty("source", [("bridge", nic["BRIDGE"])])]
    if nic.get("BRIDGE_TYPE") == OPEN_VSWITCH:
        lines.append(empty("virtualport", [("type", "openvswitch")]))
    return lines


def _filter(sources: Sources, nic: Mapping[str, str]) -> list[str]:
    name = nic.get("FILTER") or sources.default("NIC", "FILTER")
    address = nic.get("IP", "")
    if not name or not address:
        return []
    parameter = empty("parameter", [("name", "IP"), ("value", address)])
    return block("filterref", [parameter], [("filter", name)])


def _bandwidth(sources: Sources, nic: Mapping[str, str]) -> list[str]:
    inner = []
    for way in ("INBOUND", "OUTBOUND"):
        limits: list[tuple[str, int | None]] = []
        for name, suffix in (("average", "AVG_BW"), ("peak", "PEAK_BW"), ("burst", "PEAK_KB")):
            attribute = f"{way}_{suffix}"
            inherited = Vector({attribute: sources.default("NIC", attribute)})
            limits.append((name, positive(nic, attribute) or positive(inherited, attribute) or None))
        if limits[0][1]:  # libvirt refuses a peak without an average
            inner.append(empty(way.lower(), limits))
    return block("bandwidth", inner) if inner else []
