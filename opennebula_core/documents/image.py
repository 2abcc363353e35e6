"""IMAGE documents."""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.documents.escape import escape_document, unescape_document
from opennebula_core.documents.fragments import cdata, ids, lock, owned, permissions, text
from opennebula_core.documents.snapshots import render_kept_snapshots
from opennebula_core.model.objects import Image

_OWN = escape_document(
    "<TYPE>%d</TYPE><DISK_TYPE>%d</DISK_TYPE><PERSISTENT>%d</PERSISTENT><REGTIME>%d</REGTIME><SOURCE>%s</SOURCE>"
    "<PATH>%s</PATH><FORMAT>%s</FORMAT><FS>%s</FS><SIZE>%d</SIZE><STATE>%d</STATE><PREV_STATE>%d</PREV_STATE>"
    "<RUNNING_VMS>%d</RUNNING_VMS><CLONING_OPS>%d</CLONING_OPS><CLONING_ID>%d</CLONING_ID>"
    "<TARGET_SNAPSHOT>%d</TARGET_SNAPSHOT><DATASTORE_ID>%d</DATASTORE_ID><DATASTORE>%s</DATASTORE>"
)
_FOR_OLD_CLIENTS = escape_document("<FSTYPE>%s</FSTYPE>")
"""What python-oca cannot do without: FS had this name before OpenNebula 5.0."""
_BACKUPS = escape_document("<BACKUP_INCREMENTS></BACKUP_INCREMENTS><BACKUP_DISK_IDS></BACKUP_DISK_IDS>")
_START, _END = escape_document("<IMAGE>"), escape_document("</IMAGE>")


def render_image(image: Image, vm_ids: Iterable[int] = (), clone_ids: Iterable[int] = ()) -> str:
    """Return the IMAGE document.

    :param vm_ids: the VMs that use it
    :param clone_ids: the copies being made from it
    """
    own = _OWN % (
        image.type, image.disk_type, image.persistent, image.regtime, cdata(image.source), cdata(image.path),
        cdata(image.format), cdata(image.fs), image.size_mb, image.state, image.prev_state, image.running_vms,
        image.cloning_ops, image.cloning_id, image.target_snapshot, image.datastore_id, text(image.datastore),
    )  # fmt: skip
    return "".join(
        (
            _START,
            owned(image),
            lock(image.lock),
            permissions(image.permissions),
            own,
            ids("VMS", vm_ids),
            ids("CLONES", clone_ids),
            ids("APP_CLONES", ()),
            image.template.to_xml(escaped=True),
            render_kept_snapshots(image.snapshots),
            _BACKUPS,
            _FOR_OLD_CLIENTS % cdata(image.fs),
            _END,
        )
    )


def image_xml(image: Image, vm_ids: Iterable[int] = ()) -> str:
    """Return the document as plain XML, for drivers."""
    return unescape_document(render_image(image, vm_ids))
