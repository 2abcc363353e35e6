"""USER documents."""

from __future__ import annotations

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import cdata, element, ids, text
from opennebula_core.documents.quotas import NO_QUOTAS, render_quotas_in_pool
from opennebula_core.model.objects import User

_START = escape_document("<USER><ID>%d</ID><GID>%d</GID>")
_OWN = escape_document(
    "<GNAME>%s</GNAME><NAME>%s</NAME><PASSWORD>%s</PASSWORD><AUTH_DRIVER>%s</AUTH_DRIVER><ENABLED>%d</ENABLED>"
)
_END = escape_document("</USER>")
_POOL_END = escape_document("</USER_POOL>")


def render_user(
    user: User, *, show_password: bool = False, quotas: str = NO_QUOTAS, default_quotas: str = NO_QUOTAS
) -> str:
    """Return the document of ``one.user.info``.

    :param show_password: what is stored is shown; else PASSWORD is empty
    :param quotas: the four quota elements, escaped
    """
    defaults = element("DEFAULT_USER_QUOTAS", default_quotas)
    return f"{_user(user, show_password=show_password)}{quotas}{defaults}{_END}"


def render_user_in_pool(user: User, *, show_password: bool = False, quotas: str = NO_QUOTAS) -> str:
    """Return the document in ``one.userpool.info``, with the QUOTAS that follow it."""
    return _user(user, show_password=show_password) + _END + render_quotas_in_pool(user.id, quotas)


def user_pool_end(default_quotas: str = NO_QUOTAS) -> str:
    """Return what ends the pool's document."""
    return element("DEFAULT_USER_QUOTAS", default_quotas) + _POOL_END


def _user(user: User, *, show_password: bool) -> str:
    own = _OWN % (
        text(user.gname), text(user.name), cdata(user.password if show_password else ""),
        cdata(user.auth_driver), user.enabled,
    )  # fmt: skip
    groups = ids("GROUPS", sorted({user.gid, *user.group_ids}))
    return f"{_START % (user.id, user.gid)}{groups}{own}{user.template.to_xml(escaped=True)}"
