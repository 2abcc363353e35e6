"""VDC documents."""

from __future__ import annotations

from typing import Final

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import element, ids, text
from opennebula_core.model.objects import Vdc

_START, _END = escape_document("<VDC><ID>%d</ID><NAME>%s</NAME>"), escape_document("</VDC>")
_KINDS: Final = (
    ("CLUSTERS", "CLUSTER", ObjectKind.CLUSTER),
    ("HOSTS", "HOST", ObjectKind.HOST),
    ("DATASTORES", "DATASTORE", ObjectKind.DATASTORE),
    ("VNETS", "VNET", ObjectKind.NET),
)


def render_vdc(vdc: Vdc) -> str:
    """Return the VDC document."""
    resources = (element(root, "".join(_resources(vdc, word, kind.value))) for root, word, kind in _KINDS)
    return "".join(
        (
            _START % (vdc.id, text(vdc.name)),
            ids("GROUPS", vdc.group_ids),
            *resources,
            vdc.template.to_xml(escaped=True),
            _END,
        )
    )


def _resources(vdc: Vdc, word: str, kind: str) -> list[str]:
    shown = escape_document(f"<{word}><ZONE_ID>%d</ZONE_ID><{word}_ID>%d</{word}_ID></{word}>")
    return [shown % (item.zone_id, item.resource_id) for item in vdc.resources if item.kind == kind]
