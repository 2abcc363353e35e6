"""CLUSTER documents."""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import ids, text
from opennebula_core.model.objects import Cluster

_START = escape_document("<CLUSTER><ID>%d</ID><NAME>%s</NAME>")
_END = escape_document("</CLUSTER>")


def render_cluster(
    cluster: Cluster,
    host_ids: Iterable[int] = (),
    datastore_ids: Iterable[int] = (),
    network_ids: Iterable[int] = (),
) -> str:
    """Return the CLUSTER document, with the ids of all its members."""
    members = ids("HOSTS", host_ids) + ids("DATASTORES", datastore_ids) + ids("VNETS", network_ids)
    start = _START % (cluster.id, text(cluster.name))
    return f"{start}{members}{cluster.template.to_xml(escaped=True)}{_END}"
