"""VMTEMPLATE documents."""

from __future__ import annotations

from opennebula_core.documents.fragments import registered
from opennebula_core.model.objects import VmTemplate


def render_template(template: VmTemplate) -> str:
    """Return the VMTEMPLATE document."""
    return registered("VMTEMPLATE", template)
