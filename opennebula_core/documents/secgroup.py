"""SECURITY_GROUP documents."""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import ids, owned, permissions
from opennebula_core.model.objects import SecurityGroup

_START, _END = escape_document("<SECURITY_GROUP>"), escape_document("</SECURITY_GROUP>")


def render_security_group(group: SecurityGroup, vm_ids: Iterable[int] = ()) -> str:
    """Return the SECURITY_GROUP document.

    :param vm_ids: the VMs that have its rules as they are now
    """
    return "".join(
        (
            _START,
            owned(group),
            permissions(group.permissions),
            ids("UPDATED_VMS", vm_ids),
            ids("OUTDATED_VMS", ()),
            ids("UPDATING_VMS", ()),
            ids("ERROR_VMS", ()),
            group.template.to_xml(escaped=True),
            _END,
        )
    )
