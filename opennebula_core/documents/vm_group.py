"""VM_GROUP documents."""

from __future__ import annotations

from collections.abc import Iterator

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import lock, owned, permissions
from opennebula_core.model.objects import VmGroup
from opennebula_core.model.template import Template, Vector

_START, _END = escape_document("<VM_GROUP>"), escape_document("</VM_GROUP>")


def render_vm_group(group: VmGroup) -> str:
    """Return the VM_GROUP document."""
    return "".join(
        (
            _START,
            owned(group),
            permissions(group.permissions),
            lock(group.lock),
            Template(("ROLE", role) for role in _roles(group)).to_xml("ROLES", escaped=True),
            group.template.to_xml(escaped=True),
            _END,
        )
    )


def _roles(group: VmGroup) -> Iterator[Vector]:
    """Yield the roles with their VMs."""
    for role in group.roles.vectors("ROLE"):
        vm_ids = group.members.get(int(role["ID"]))
        yield Vector({**role, "VMS": ",".join(map(str, vm_ids))}) if vm_ids else role
