"""SECURITY_GROUP documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import ids, owned, permissions
from opennebula_core.model.objects import SecurityGroup
from opennebula_core.model.states import GroupStanding

_START, _END = escape_document("<SECURITY_GROUP>"), escape_document("</SECURITY_GROUP>")


def render_security_group(
    group: SecurityGroup, vm_ids: Mapping[GroupStanding, Iterable[int]] | None = None
) -> str:
    """Return the SECURITY_GROUP document.

    :param vm_ids: the VMs that have the group, by how far they are with its rules
    """
    lists = vm_ids or {}
    return "".join(
        (
            _START,
            owned(group),
            permissions(group.permissions),
            *(ids(f"{standing.name}_VMS", lists.get(standing, ())) for standing in GroupStanding),
            group.template.to_xml(escaped=True),
            _END,
        )
    )
