"""The security groups that networks and their address ranges name: VMs there carry the rules of them all."""

from __future__ import annotations

from opennebula_core.contracts.method import ObjectKind, Right, Session
from opennebula_core.db.transaction import Transaction
from opennebula_core.managers.rights import require
from opennebula_core.model.security_rules import group_ids
from opennebula_core.model.template import Template

GROUPS = "SECURITY_GROUPS"


def groups_named(template: Template) -> set[int]:
    """Return the ids of the groups that a network's template names, for the network or for a range."""
    texts = (template.get(GROUPS), *(vector.get(GROUPS, "") for vector in template.vectors("AR")))
    return set(group_ids(",".join(texts)))


def check_groups(tx: Transaction, session: Session, wanted: set[int], present: set[int]) -> None:
    """Check that the caller may use the groups that a network shall name.

    :param present: those that it names already; they may stay
    :raises RequestError: one does not exist, or may not be used; administrators may name any
    """
    for group_id in sorted(wanted - present) if not session.is_admin else ():
        require(tx, session, ObjectKind.SECGROUP, Right.USE, group_id)
