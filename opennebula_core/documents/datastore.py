"""DATASTORE documents."""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.documents.escape import escape_document, unescape_document
from opennebula_core.documents.fragments import cdata, ids, owned, permissions
from opennebula_core.model.objects import Datastore

_DRIVERS = escape_document(
    "<DS_MAD>%s</DS_MAD><TM_MAD>%s</TM_MAD><BASE_PATH>%s</BASE_PATH><TYPE>%d</TYPE><DISK_TYPE>%d</DISK_TYPE>"
    "<STATE>%d</STATE>"
)
_ROOM = escape_document("<TOTAL_MB>%d</TOTAL_MB><FREE_MB>%d</FREE_MB><USED_MB>%d</USED_MB>")
_FOR_OLD_CLIENTS = escape_document("<CLUSTER_ID>%d</CLUSTER_ID><CLUSTER></CLUSTER>")
"""What python-oca cannot do without: OpenNebula had these before a datastore was in several clusters."""
_START, _END = escape_document("<DATASTORE>"), escape_document("</DATASTORE>")


def render_datastore(datastore: Datastore, image_ids: Iterable[int] = ()) -> str:
    """Return the DATASTORE document.

    :param image_ids: the images in it
    """
    drivers = _DRIVERS % (
        cdata(datastore.ds_mad), cdata(datastore.tm_mad), cdata(datastore.base_path), datastore.type,
        datastore.disk_type, datastore.state,
    )  # fmt: skip
    room = _ROOM % (datastore.total_mb, datastore.free_mb, datastore.used_mb)
    return "".join(
        (
            _START,
            owned(datastore),
            permissions(datastore.permissions),
            drivers,
            ids("CLUSTERS", datastore.cluster_ids),
            room,
            ids("IMAGES", image_ids),
            datastore.template.to_xml(escaped=True),
            _FOR_OLD_CLIENTS % min(datastore.cluster_ids, default=-1),
            _END,
        )
    )


def datastore_xml(datastore: Datastore, image_ids: Iterable[int] = ()) -> str:
    """Return the document as plain XML, for drivers."""
    return unescape_document(render_datastore(datastore, image_ids))
