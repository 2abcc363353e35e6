"""GROUP documents."""

from __future__ import annotations

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import element, ids, text
from opennebula_core.documents.quotas import NO_QUOTAS, render_quotas_in_pool
from opennebula_core.model.objects import Group

_START = escape_document("<GROUP><ID>%d</ID><NAME>%s</NAME>")
_END = escape_document("</GROUP>")
_POOL_END = escape_document("</GROUP_POOL>")


def render_group(group: Group, *, quotas: str = NO_QUOTAS, default_quotas: str = NO_QUOTAS) -> str:
    """Return the document of ``one.group.info``.

    :param quotas: the four quota elements, escaped
    """
    return f"{_group(group)}{quotas}{element('DEFAULT_GROUP_QUOTAS', default_quotas)}{_END}"


def render_group_in_pool(group: Group, *, quotas: str = NO_QUOTAS) -> str:
    """Return the document in ``one.grouppool.info``, with the QUOTAS that follow it."""
    return _group(group) + _END + render_quotas_in_pool(group.id, quotas)


def group_pool_end(default_quotas: str = NO_QUOTAS) -> str:
    """Return what ends the pool's document."""
    return element("DEFAULT_GROUP_QUOTAS", default_quotas) + _POOL_END


def _group(group: Group) -> str:
    members = ids("USERS", group.user_ids) + ids("ADMINS", group.admin_ids)
    return f"{_START % (group.id, text(group.name))}{group.template.to_xml(escaped=True)}{members}"
