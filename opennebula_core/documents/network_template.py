"""VNTEMPLATE documents."""

from __future__ import annotations

from opennebula_core.documents.fragments import registered
from opennebula_core.model.objects import NetworkTemplate


def render_network_template(template: NetworkTemplate) -> str:
    """Return the VNTEMPLATE document."""
    return registered("VNTEMPLATE", template)
