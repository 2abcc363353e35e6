"""VNTEMPLATE documents."""

from __future__ import annotations

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import lock, owned, permissions
from opennebula_core.model.objects import NetworkTemplate

_START, _END = escape_document("<VNTEMPLATE>"), escape_document("</VNTEMPLATE>")
_REGTIME = escape_document("<REGTIME>%d</REGTIME>")


def render_network_template(template: NetworkTemplate) -> str:
    """Return the VNTEMPLATE document."""
    return "".join(
        (
            _START,
            owned(template),
            lock(template.lock),
            permissions(template.permissions),
            _REGTIME % template.regtime,
            template.template.to_xml(escaped=True),
            _END,
        )
    )
