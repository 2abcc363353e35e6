"""SNAPSHOTS: the snapshots of a VM's disks, and those that an image keeps."""

from __future__ import annotations

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import cdata
from opennebula_core.model.disk_snapshots import STATE, DiskSnapshots, Snapshots
from opennebula_core.model.template import Template, Vector

_HEAD = escape_document(
    "<SNAPSHOTS><ALLOW_ORPHANS>%s</ALLOW_ORPHANS><CURRENT_BASE>%d</CURRENT_BASE>%s"
    "<NEXT_SNAPSHOT>%d</NEXT_SNAPSHOT>"
)
_DISK_ID = escape_document("<DISK_ID>%s</DISK_ID>")
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
    return "".join(_of_disk(template, disks[state["DISK_ID"]]) for state in states)


def _of_disk(template: Template, disk: Vector) -> str:
    snapshots = DiskSnapshots(template, disk)
    return _rendered(snapshots, disk.get("ALLOW_ORPHANS", "NO"))


def render_kept_snapshots(template: Template) -> str:
    """Return SNAPSHOTS of an image; one that has none has the element, too."""
    if STATE not in template:
        return _NO_SNAPSHOTS
    state = template.vectors(STATE)[0]
    return _rendered(Snapshots(template), state.get("ALLOW_ORPHANS", "NO"))


def _rendered(snapshots: Snapshots, orphans: str) -> str:
    disk_id = _DISK_ID % snapshots.disk_id if snapshots.disk_id else ""
    head = _HEAD % (cdata(orphans), snapshots.current, disk_id, snapshots.next_id)
    return head + "".join(_one(snapshots, each) for each in snapshots.all()) + _END


def _one(snapshots: Snapshots, one: Vector) -> str:
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


_NO_SNAPSHOTS = _rendered(Snapshots(Template()), "NO")
