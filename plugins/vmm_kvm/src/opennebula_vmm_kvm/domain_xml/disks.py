"""The disks of a domain, the context CD, and the controllers that disks hang on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from opennebula_core.errors import DriverError
from opennebula_core.model.template import Vector
from opennebula_vmm_kvm.domain_xml.iotune import iotune_lines
from opennebula_vmm_kvm.domain_xml.markup import block, empty
from opennebula_vmm_kvm.domain_xml.network_disks import PROTOCOLS, network_source
from opennebula_vmm_kvm.domain_xml.sources import Sources, is_yes, positive, queues, whole_number

VOLATILE = frozenset({"FS", "SWAP"})
"""TYPEs of disks that no image stands behind; their kind of storage is in DISK_TYPE."""

FORMATS = frozenset({"raw", "qcow2"})
_TARGET = re.compile(r"(?:hd|sd|vd|xvd|fd|ubd)[a-z]{1,2}\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a disk's data are and how the guest sees them.

    :param kind: of storage: ``file``, ``block`` or ``network``
    :param device: ``disk`` or ``cdrom``
    :param protocol: of a network disk, else empty
    """

    kind: str
    device: str
    protocol: str = ""


def disk_lines(sources: Sources, disk: Vector, path: str, order: str = "") -> list[str]:
    """Return one ``<disk>``.

    :param path: the disk's file on the host; not read for network disks
    :param order: the disk's turn at boot, from 1; empty for none
    :raises DriverError: the disk has no usable TARGET
    """
    target = _checked_target(sources, disk)
    place = _place(disk)
    bus = _bus(sources, target)
    flags = [empty(flag.lower()) for flag in ("READONLY", "SHAREABLE") if is_yes(disk.get(flag, ""))]
    if place.device == "cdrom" and "<readonly/>" not in flags:
        flags.insert(0, empty("readonly"))
    inner = [
        *_source(sources, disk, place, path),
        empty("target", [("dev", target), ("bus", bus)]),
        *([empty("boot", [("order", order)])] if order else []),
        *flags,
        _driver(sources, disk, place, bus),
        *iotune_lines(disk),
        *_encryption(disk),
        *_address(target, bus),
    ]
    return block("disk", inner, [("type", place.kind), ("device", place.device)])


def context_lines(sources: Sources, directory: str) -> list[str]:
    """Return the context CD, no line when the guest has none."""
    context = sources.vm.vector("CONTEXT")
    if not context or not context.get("TARGET"):
        return []
    target = _checked_target(sources, context)
    disk_id = whole_number(context.get("DISK_ID") or str(len(sources.vm.vectors("DISK"))), "CONTEXT/DISK_ID")
    inner = [
        empty("source", [("file", f"{directory}/disk.{disk_id}")]),
        empty("target", [("dev", target), ("bus", _bus(sources, target))]),
        empty("readonly"),
        empty("driver", [("name", "qemu"), ("type", "raw")]),
        *_address(target, _bus(sources, target)),
    ]
    return block("disk", inner, [("type", "file"), ("device", "cdrom")])


def controller_lines(sources: Sources) -> list[str]:
    """Return the controllers: virtio-scsi always, the PCI Express ones of q35 machines."""
    count = queues(sources.value("FEATURES", "VIRTIO_SCSI_QUEUES"), sources.vcpus) or "1"
    attributes = [("type", "scsi"), ("index", "0"), ("model", "virtio-scsi")]
    lines = block("controller", [empty("driver", [("queues", count)])], attributes)
    if sources.is_q35:
        ports = sources.single("Q35_ROOT_PORTS")
        models = ["pcie-root", *["pcie-root-port"] * min(int(ports) if ports.isdigit() else 16, 240)]
        for model in [*models, "pcie-to-pci-bridge"]:
            index = "0" if model == "pcie-root" else None
            lines.append(empty("controller", [("index", index), ("type", "pci"), ("model", model)]))
    return lines


def _checked_target(sources: Sources, disk: Mapping[str, str]) -> str:
    target = disk.get("TARGET", "")
    if not _TARGET.match(target):
        raise DriverError(
            f"describe VM {sources.vm_id}: disk {disk.get('DISK_ID', '')!r} has the target {target!r}; "
            f"it must be one such as vda, sdb or hdc"
        )
    return target


def _place(disk: Mapping[str, str]) -> Place:
    kind = disk.get("TYPE", "").upper()
    if kind in VOLATILE:
        kind = disk.get("DISK_TYPE", "").upper()
    device = "cdrom" if kind.endswith("CDROM") else "disk"
    storage = kind.removesuffix("_CDROM")
    if storage == "CDROM":
        storage = disk.get("DISK_TYPE", "").upper()
    if storage in PROTOCOLS:
        return Place("network", device, PROTOCOLS[storage])
    return Place("block" if storage == "BLOCK" else "file", device)


def _source(sources: Sources, disk: Vector, place: Place, path: str) -> list[str]:
    if place.kind == "network":
        return network_source(sources, disk, place.protocol)
    return [empty("source", [("dev" if place.kind == "block" else "file", path)])]


def _bus(sources: Sources, target: str) -> str:
    if target.startswith("vd"):
        return "virtio"
    if target.startswith("sd"):
        return sources.value("OS", "SD_DISK_BUS")
    if target.startswith("hd"):
        return "sata" if sources.is_q35 else "ide"
    return ""


def _driver(sources: Sources, disk: Vector, place: Place, bus: str) -> str:
    written = disk.get("DRIVER") or (disk["FORMAT"] if disk.get("FORMAT") in FORMATS else "")
    kind = "raw" if place.device == "cdrom" else written or sources.default("DISK", "DRIVER") or "raw"

    def chosen(name: str) -> str:
        return disk.get(name) or sources.default("DISK", name)

    attributes = [
        ("name", "qemu"),
        ("type", kind),
        ("cache", chosen("CACHE") or "default"),
        ("io", chosen("IO")),
        ("discard", chosen("DISCARD")),
    ]
    if bus == "virtio":
        blk_queues = disk.get("VIRTIO_BLK_QUEUES") or sources.value("FEATURES", "VIRTIO_BLK_QUEUES")
        attributes += [
            ("iothread", _iothread(sources, disk)),
            ("queues", queues(blk_queues, sources.vcpus)),
        ]
    return empty("driver", attributes)


def _iothread(sources: Sources, disk: Vector) -> str:
    """Return the disk's thread; those that name none take turns, by their id, so that none ever moves."""
    threads = sources.value("FEATURES", "IOTHREADS")
    if not threads.isdigit() or threads == "0":
        return ""
    wanted = positive(disk, "IOTHREAD")
    if 0 < wanted <= int(threads):
        return str(wanted)
    return str(positive(disk, "DISK_ID") % int(threads) + 1)


def _encryption(disk: Vector) -> list[str]:
    secret = disk.get("LUKS_SECRET", "")
    if not secret:
        return []
    uuid = empty("secret", [("type", "passphrase"), ("uuid", secret)])
    return block("encryption", [uuid], [("format", "luks")])


def _address(target: str, bus: str) -> list[str]:
    """Disks on SCSI keep their place when others come and go; SATA gives each a controller of its own."""
    if not target.startswith("sd") or bus not in ("", "scsi", "sata"):
        return []
    number = _target_number(target)
    controller, unit = (number, 0) if bus == "sata" else (0, number)
    place = [("controller", controller), ("bus", 0), ("target", unit), ("unit", 0)]
    return [empty("address", [("type", "drive"), *place])]


def _target_number(target: str) -> int:
    """Return 0 for sda, 25 for sdz, 26 for sdaa."""
    number = 0
    for letter in target[2:].rstrip("0123456789"):
        number = number * 26 + ord(letter) - ord("a") + 1
    return number - 1
