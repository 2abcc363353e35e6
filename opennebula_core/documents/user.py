"""USER documents."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import cdata, element, ids, text
from opennebula_core.documents.quotas import NO_QUOTAS, render_quotas_in_pool
from opennebula_core.model.objects import User

TOKEN_PASSWORD: Final = "TOKEN_PASSWORD"
"""Attribute of users under which the tokens of their VMs are made; made with the user, never taken away."""
_START = escape_document("<USER><ID>%d</ID><GID>%d</GID>")
_OWN = escape_document(
    "<GNAME>%s</GNAME><NAME>%s</NAME><PASSWORD>%s</PASSWORD><AUTH_DRIVER>%s</AUTH_DRIVER><ENABLED>%d</ENABLED>"
)
_TOKEN = escape_document(
    "<LOGIN_TOKEN><TOKEN>%s</TOKEN><EXPIRATION_TIME>%d</EXPIRATION_TIME><EGID>%d</EGID></LOGIN_TOKEN>"
)
_END = escape_document("</USER>")
_POOL_END = escape_document("</USER_POOL>")


@dataclass(frozen=True, slots=True)
class ShownToken:
    """A live login token as its user's document lists it.

    :param expires: epoch seconds; -1: never
    :param group_id: the only group of calls made with it; -1: all of the user's
    """

    text: str
    expires: int
    group_id: int


def render_user(
    user: User,
    *,
    show_password: bool = False,
    show_tokens: bool = False,
    tokens: Iterable[ShownToken] = (),
    quotas: str = NO_QUOTAS,
    default_quotas: str = NO_QUOTAS,
) -> str:
    """Return the document of ``one.user.info``.

    :param show_password: what is stored is shown; else PASSWORD is empty
    :param show_tokens: whoever has a token can log in with it; else each TOKEN is empty, and TOKEN_PASSWORD,
        by which the tokens of VMs are made, is left out
    :param quotas: the four quota elements, escaped
    """
    defaults = element("DEFAULT_USER_QUOTAS", default_quotas)
    own = _user(user, show_password=show_password, show_tokens=show_tokens, tokens=tokens)
    return f"{own}{quotas}{defaults}{_END}"


def render_user_in_pool(
    user: User,
    *,
    show_password: bool = False,
    show_tokens: bool = False,
    tokens: Iterable[ShownToken] = (),
    quotas: str = NO_QUOTAS,
) -> str:
    """Return the document in ``one.userpool.info``, with the QUOTAS that follow it."""
    return (
        _user(user, show_password=show_password, show_tokens=show_tokens, tokens=tokens)
        + _END
        + render_quotas_in_pool(user.id, quotas)
    )


def user_pool_end(default_quotas: str = NO_QUOTAS) -> str:
    """Return what ends the pool's document."""
    return element("DEFAULT_USER_QUOTAS", default_quotas) + _POOL_END


def _user(user: User, *, show_password: bool, show_tokens: bool, tokens: Iterable[ShownToken]) -> str:
    own = _OWN % (
        text(user.gname), text(user.name), cdata(user.password if show_password else ""),
        cdata(user.auth_driver), user.enabled,
    )  # fmt: skip
    groups = ids("GROUPS", sorted({user.gid, *user.group_ids}))
    listed = "".join(
        _TOKEN % (cdata(token.text if show_tokens else ""), token.expires, token.group_id) for token in tokens
    )
    return f"{_START % (user.id, user.gid)}{groups}{own}{listed}{_template(user, show_all=show_tokens)}"


def _template(user: User, *, show_all: bool) -> str:
    if show_all or TOKEN_PASSWORD not in user.template:
        return user.template.to_xml(escaped=True)
    shown = user.template.copy()
    shown.remove(TOKEN_PASSWORD)
    return shown.to_xml(escaped=True)
