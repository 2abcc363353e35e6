"""The quota elements of users and groups."""

from __future__ import annotations

from typing import Final

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import element

NO_QUOTAS: Final = escape_document(
    "<DATASTORE_QUOTA></DATASTORE_QUOTA><NETWORK_QUOTA></NETWORK_QUOTA><VM_QUOTA></VM_QUOTA>"
    "<IMAGE_QUOTA></IMAGE_QUOTA>"
)
"""The four elements of an owner without limits; they are always there."""

_ID = escape_document("<ID>%d</ID>")


def render_quotas_in_pool(owner_id: int, quotas: str = NO_QUOTAS) -> str:
    """Return QUOTAS as pools have it, behind the owner's document."""
    return element("QUOTAS", _ID % owner_id + quotas)
