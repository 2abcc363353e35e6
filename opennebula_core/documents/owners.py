"""USER, GROUP, quotas and ACL_POOL documents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import cdata, element, ids, pool, text
from opennebula_core.model.acl import render_rule
from opennebula_core.model.objects import AclRule, Group, User

NO_QUOTAS: Final = escape_document(
    "<DATASTORE_QUOTA></DATASTORE_QUOTA><NETWORK_QUOTA></NETWORK_QUOTA><VM_QUOTA></VM_QUOTA>"
    "<IMAGE_QUOTA></IMAGE_QUOTA>"
)
_USER = escape_document("<USER><ID>%d</ID><GID>%d</GID>")
_USER_OWN = escape_document(
    "<GNAME>%s</GNAME><NAME>%s</NAME><PASSWORD>%s</PASSWORD><AUTH_DRIVER>%s</AUTH_DRIVER><ENABLED>%d</ENABLED>"
)
_USER_END = escape_document("</USER>")
_GROUP = escape_document("<GROUP><ID>%d</ID><NAME>%s</NAME>")
_GROUP_END = escape_document("</GROUP>")
_ID = escape_document("<ID>%d</ID>")
_ACL = escape_document(
    "<ACL><ID>%d</ID><USER>%x</USER><RESOURCE>%x</RESOURCE><RIGHTS>%x</RIGHTS><ZONE>%x</ZONE>"
    "<STRING>%s</STRING></ACL>"
)


def render_user(
    user: User, *, show_password: bool = False, quotas: str = NO_QUOTAS, default_quotas: str = NO_QUOTAS
) -> str:
    """Return the document of ``one.user.info``.

    :param show_password: what is stored is shown; else PASSWORD is empty
    :param quotas: the four quota elements, escaped
    """
    defaults = element("DEFAULT_USER_QUOTAS", default_quotas)
    return f"{_user(user, show_password=show_password)}{quotas}{defaults}{_USER_END}"


def render_user_pool(
    users: Iterable[User], *, show_passwords: bool = False, default_quotas: str = NO_QUOTAS
) -> str:
    """Return the document of ``one.userpool.info``, in which USER and QUOTAS alternate."""
    parts = [
        _user(user, show_password=show_passwords) + _USER_END + _quotas_in_pool(user.id) for user in users
    ]
    parts.append(element("DEFAULT_USER_QUOTAS", default_quotas))
    return pool("USER_POOL", parts)


def render_group(group: Group, *, quotas: str = NO_QUOTAS, default_quotas: str = NO_QUOTAS) -> str:
    """Return the document of ``one.group.info``.

    :param quotas: the four quota elements, escaped
    """
    return f"{_group(group)}{quotas}{element('DEFAULT_GROUP_QUOTAS', default_quotas)}{_GROUP_END}"


def render_group_pool(groups: Iterable[Group], *, default_quotas: str = NO_QUOTAS) -> str:
    """Return the document of ``one.grouppool.info``, in which GROUP and QUOTAS alternate."""
    parts = [_group(group) + _GROUP_END + _quotas_in_pool(group.id) for group in groups]
    parts.append(element("DEFAULT_GROUP_QUOTAS", default_quotas))
    return pool("GROUP_POOL", parts)


def render_acl_pool(rules: Iterable[AclRule]) -> str:
    """Return the document of ``one.acl.info``, ordered by the user's part of the rules."""
    ordered = sorted(rules, key=lambda rule: (rule.user, rule.id))
    return pool(
        "ACL_POOL",
        (
            _ACL % (rule.id, rule.user, rule.resource, rule.rights, rule.zone, render_rule(rule))
            for rule in ordered
        ),
    )


def _user(user: User, *, show_password: bool) -> str:
    own = _USER_OWN % (
        text(user.gname), text(user.name), cdata(user.password if show_password else ""),
        cdata(user.auth_driver), user.enabled,
    )  # fmt: skip
    groups = ids("GROUPS", sorted({user.gid, *user.group_ids}))
    return f"{_USER % (user.id, user.gid)}{groups}{own}{user.template.to_xml(escaped=True)}"


def _group(group: Group) -> str:
    members = ids("USERS", group.user_ids) + ids("ADMINS", group.admin_ids)
    return f"{_GROUP % (group.id, text(group.name))}{group.template.to_xml(escaped=True)}{members}"


def _quotas_in_pool(owner_id: int) -> str:
    return element("QUOTAS", _ID % owner_id + NO_QUOTAS)
