"""SHOWBACK_RECORDS: what VMs have cost, by month."""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import element, text

_SHOWBACK = escape_document(
    "<SHOWBACK><VMID>%d</VMID><VMNAME>%s</VMNAME><UID>%d</UID><GID>%d</GID><UNAME>%s</UNAME><GNAME>%s</GNAME>"
    "<YEAR>%d</YEAR><MONTH>%d</MONTH><CPU_COST>%s</CPU_COST><MEMORY_COST>%s</MEMORY_COST>"
    "<DISK_COST>%s</DISK_COST><TOTAL_COST>%s</TOTAL_COST><HOURS>%s</HOURS><RHOURS>%s</RHOURS></SHOWBACK>"
)
_DECIMALS = 6

ShowbackRecord = tuple[int, int, int, str, int, int, str, str, float, float, float, float, float]
"""VM id, year, month, VM name, uid, gid, uname, gname, costs of CPU, memory, disks, hours, running hours."""


def render_showback(records: Iterable[ShowbackRecord]) -> str:
    """Return the document of ``one.vmpool.showback``, escaped."""
    return element("SHOWBACK_RECORDS", "".join(map(_render, records)))


def _render(record: ShowbackRecord) -> str:
    vm_id, year, month, name, uid, gid, uname, gname, *figures = record
    cpu, memory, disk, hours, running = figures
    shown = (_number(value) for value in (cpu, memory, disk, cpu + memory + disk, hours, running))
    return _SHOWBACK % (vm_id, text(name), uid, gid, text(uname), text(gname), year, month, *shown)


def _number(value: float) -> str:
    return f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
