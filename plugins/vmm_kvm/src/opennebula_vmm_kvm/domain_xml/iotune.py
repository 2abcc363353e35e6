"""Limits on a disk's throughput, as ``<iotune>``."""

from __future__ import annotations

from collections.abc import Mapping

from opennebula_vmm_kvm.domain_xml.markup import block_unless_empty
from opennebula_vmm_kvm.domain_xml.sources import positive

KINDS = ("BYTES_SEC", "IOPS_SEC")
DIRECTIONS = ("READ", "WRITE")


def iotune_lines(disk: Mapping[str, str]) -> list[str]:
    """Return the disk's limits, no line when it has none.

    A total shuts out read and write of its kind, as libvirt refuses both together; a peak (``_MAX``)
    counts only above its base value. Source: OpenNebula 6.10 deployment files.
    """
    lines: list[str] = []
    for kind in KINDS:
        total = _limit(disk, f"TOTAL_{kind}")
        lines += total or [line for way in DIRECTIONS for line in _limit(disk, f"{way}_{kind}")]
    if size := positive(disk, "SIZE_IOPS_SEC"):
        lines.append(f"<size_iops_sec>{size}</size_iops_sec>")
    return block_unless_empty("iotune", lines)


def _limit(disk: Mapping[str, str], name: str) -> list[str]:
    base = positive(disk, name)
    if not base:
        return []
    lines = [_line(name, base)]
    peak = positive(disk, f"{name}_MAX")
    if peak > base:
        lines.append(_line(f"{name}_MAX", peak))
        if length_s := positive(disk, f"{name}_MAX_LENGTH"):
            lines.append(_line(f"{name}_MAX_LENGTH", length_s))
    return lines


def _line(name: str, value: int) -> str:
    return f"<{name.lower()}>{value}</{name.lower()}>"
