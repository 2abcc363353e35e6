"""CLUSTER, ZONE and RAFT documents."""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import cdata, ids, text
from opennebula_core.model.objects import Cluster

_CLUSTER = escape_document("<CLUSTER><ID>%d</ID><NAME>%s</NAME>")
_CLUSTER_END = escape_document("</CLUSTER>")
_ZONE = escape_document(
    "<ZONE><ID>%d</ID><NAME>%s</NAME><STATE>0</STATE><TEMPLATE><ENDPOINT>%s</ENDPOINT></TEMPLATE>"
    "<SERVER_POOL></SERVER_POOL></ZONE>"
)
_RAFT = escape_document(
    "<RAFT><SERVER_ID>-1</SERVER_ID><STATE>0</STATE><TERM>-1</TERM><VOTEDFOR>-1</VOTEDFOR><COMMIT>-1</COMMIT>"
    "<LOG_INDEX>-1</LOG_INDEX><LOG_TERM>-1</LOG_TERM><FEDLOG_INDEX>-1</FEDLOG_INDEX></RAFT>"
)


def render_cluster(
    cluster: Cluster,
    host_ids: Iterable[int] = (),
    datastore_ids: Iterable[int] = (),
    network_ids: Iterable[int] = (),
) -> str:
    """Return the CLUSTER document, with the ids of all its members."""
    members = ids("HOSTS", host_ids) + ids("DATASTORES", datastore_ids) + ids("VNETS", network_ids)
    start = _CLUSTER % (cluster.id, text(cluster.name))
    return f"{start}{members}{cluster.template.to_xml(escaped=True)}{_CLUSTER_END}"


def render_zone(zone_id: int, name: str, endpoint: str) -> str:
    """Return the ZONE document of a front-end that stands alone.

    :param endpoint: the address of its API
    """
    return _ZONE % (zone_id, text(name), cdata(endpoint))


def render_raft() -> str:
    """Return the RAFT document of a front-end that stands alone."""
    return _RAFT
