"""ACL_POOL documents."""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import pool
from opennebula_core.model.acl import render_rule
from opennebula_core.model.objects import AclRule

_ACL = escape_document(
    "<ACL><ID>%d</ID><USER>%x</USER><RESOURCE>%x</RESOURCE><RIGHTS>%x</RIGHTS><ZONE>%x</ZONE>"
    "<STRING>%s</STRING></ACL>"
)


def render_acl_pool(rules: Iterable[AclRule]) -> str:
    """Return the document of ``one.acl.info``, ordered by the user's part of the rules."""
    ordered = sorted(rules, key=lambda rule: (rule.user, rule.id))
    return pool("ACL_POOL", map(_acl, ordered))


def _acl(rule: AclRule) -> str:
    return _ACL % (rule.id, rule.user, rule.resource, rule.rights, rule.zone, render_rule(rule))
