"""CLUSTER documents."""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import ids, text
from opennebula_core.model.objects import Cluster

_START = escape_document("<CLUSTER><ID>%d</ID><NAME>%s</NAME>")
_END = escape_document("</CLUSTER>")
_PLAN = escape_document("<PLAN><ID>%d</ID><STATE>%d</STATE>")
_PLAN_END = escape_document("</PLAN>")
_MOVE = escape_document(
    "<ACTION><ID>%d</ID><VM_ID>%d</VM_ID><STATE>%d</STATE><OPERATION>migrate</OPERATION>"
    "<HOST_ID>%d</HOST_ID><DS_ID>%d</DS_ID><TIMESTAMP>%d</TIMESTAMP></ACTION>"
)


def render_cluster(
    cluster: Cluster,
    host_ids: Iterable[int] = (),
    datastore_ids: Iterable[int] = (),
    network_ids: Iterable[int] = (),
    plan: str = "",
) -> str:
    """Return the CLUSTER document, with the ids of all its members.

    :param plan: its PLAN, as :func:`render_plan` returns it
    """
    members = ids("HOSTS", host_ids) + ids("DATASTORES", datastore_ids) + ids("VNETS", network_ids)
    start = _START % (cluster.id, text(cluster.name))
    return f"{start}{members}{cluster.template.to_xml(escaped=True)}{plan}{_END}"


def render_plan(cluster_id: int, state: int, moves: Iterable[tuple[int, int, int, int, int, int]]) -> str:
    """Return the PLAN of a cluster, as OpenNebula 7 has it.

    :param moves: of each its number, VM, state, target, system datastore, and since when it is in the state
    """
    return _PLAN % (cluster_id, state) + "".join(_MOVE % move for move in moves) + _PLAN_END
