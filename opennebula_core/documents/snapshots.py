"""SNAPSHOTS: the snapshots of a VM's disks."""

from __future__ import annotations

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import cdata
from opennebula_core.model.disk_snapshots import STATE, DiskSnapshots
from opennebula_core.model.template import Template, Vector

_HEAD = escape_document(
    "<SNAPSHOTS><ALLOW_ORPHANS>%s</ALLOW_ORPHANS><CURRENT_BASE>%d</CURRENT_BASE><DISK_ID>%s</DISK_ID>"
    "<NEXT_SNAPSHOT>%s</NEXT_SNAPSHOT>"
)
_ONE = escape_document(
    "<SNAPSHOT>%s%s<DATE>%s</DATE><ID>%s</ID><NAME>%s</NAME><PARENT>%s</PARENT><SIZE>%s</SIZE></SNAPSHOT>"
)
_ACTIVE = escape_document("<ACTIVE><![CDATA[YES]]></ACTIVE>")
_CHILDREN = escape_document("<CHILDREN>%s</CHILDREN>")
_END = escape_document("</SNAPSHOTS>")


def render_snapshots(template: Template) -> str:
    """Return SNAPSHOTS of each disk that has had a snapshot, nothing for others."""
    if STATE not in template:
        return ""
    disks = {disk["DISK_ID"]: disk for disk in template.vectors("DISK")}
    states = (state for state in template.vectors(STATE) if state["DISK_ID"] in disks)
    return "".join(_of_disk(template, disks[state["DISK_ID"]], state) for state in states)


def _of_disk(template: Template, disk: Vector, state: Vector) -> str:
    snapshots = DiskSnapshots(template, disk)
    orphans = cdata(disk.get("ALLOW_ORPHANS", "NO"))
    head = _HEAD % (orphans, snapshots.current, state["DISK_ID"], state["NEXT_SNAPSHOT"])
    return head + "".join(_one(snapshots, each) for each in snapshots.all()) + _END


def _one(snapshots: DiskSnapshots, one: Vector) -> str:
    number = int(one["ID"])
    children = ",".join(child["ID"] for child in snapshots.children(number))
    return _ONE % (
        _ACTIVE if number == snapshots.current else "",
        _CHILDREN % cdata(children) if children else "",
        one["DATE"],
        one["ID"],
        cdata(one["NAME"]),
        one["PARENT"],
        one["SIZE"],
    )
