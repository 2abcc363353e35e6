"""The quota elements of users and groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import cdata, element
from opennebula_core.model.quotas import METRICS, Quota, Resource

NO_QUOTAS: Final = escape_document(
    "<DATASTORE_QUOTA></DATASTORE_QUOTA><NETWORK_QUOTA></NETWORK_QUOTA><VM_QUOTA></VM_QUOTA>"
    "<IMAGE_QUOTA></IMAGE_QUOTA>"
)
"""The four elements of an owner without limits; they are always there."""

_ID = escape_document("<ID>%d</ID>")


def render_quotas(quotas: Iterable[Quota]) -> str:
    """Return the four elements with the entries that limit or count something."""
    entries: dict[Resource, list[str]] = {resource: [] for resource in METRICS}
    for quota in quotas:
        if quota.is_shown:
            entries[quota.resource].append(element(quota.resource, _entry(quota)))
    return "".join(element(f"{resource}_QUOTA", "".join(found)) for resource, found in entries.items())


def _entry(quota: Quota) -> str:
    parts = [] if quota.resource is Resource.VM else [element("ID", cdata(str(quota.resource_id)))]
    numbers = zip(METRICS[quota.resource], quota.limits, quota.used, strict=True)
    for metric, limit, used in sorted(numbers, key=lambda number: number[0].name):
        parts.append(element(metric.name, cdata(metric.text(limit))))
        parts.append(element(f"{metric.name}_USED", cdata(metric.text(used))))
    return "".join(parts)


def render_quotas_in_pool(owner_id: int, quotas: str = NO_QUOTAS) -> str:
    """Return QUOTAS as pools have it, behind the owner's document."""
    return element("QUOTAS", _ID % owner_id + quotas)
