"""Checks of the rules that users give a security group."""

from __future__ import annotations

from itertools import islice

from opennebula_core.contracts.method import ObjectKind, Right, Session
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import InternalError
from opennebula_core.managers.rights import require
from opennebula_core.managers.secgroup.membership import rules_of
from opennebula_core.model.numbers import whole_number
from opennebula_core.model.security_rules import MAX_RULES, read_rule
from opennebula_core.model.template import Template


def check_rules(template: Template) -> None:
    """Check the rules of a group's template, and drop those that are there twice.

    :raises InternalError: a rule says nothing that is allowed, or there are too many
    """
    rules = template.vectors("RULE")
    if len(template.values("RULE")) != 0:
        raise InternalError("Wrong RULE in security group: write RULE=[PROTOCOL=..., RULE_TYPE=...]")
    if len(rules) > MAX_RULES:
        raise InternalError(f"The security group has {len(rules)} rules; {MAX_RULES} are allowed")
    seen: list[dict[str, str]] = []
    for number, rule in enumerate(rules, 1):
        try:
            read_rule(rule)
        except ValueError as error:
            raise InternalError(f"Wrong RULE {number} in security group: {error}") from None
        if rule in seen:
            template.discard("RULE", rule)
        else:
            seen.append(rule)


def check_networks(tx: Transaction, session: Session, template: Template, present: Template) -> None:
    """Check the networks of a group's rules: VMs show where their address ranges begin, and carry each.

    :param present: the template as it was; what it names already may stay
    :raises RequestError: there is no such network, the caller may not use it, or it has too many ranges
    """
    known = {rule.get("NETWORK_ID") for rule in present.vectors("RULE")}
    named = dict.fromkeys(rule.get("NETWORK_ID") for rule in template.vectors("RULE"))
    for text in named:
        network_id = whole_number(text) if text and text not in known else None
        if network_id is not None:
            require(tx, session, ObjectKind.NET, Right.USE, network_id)
    if len(list(islice(rules_of(tx, template), MAX_RULES + 1))) > MAX_RULES:
        raise InternalError(
            f"The security group has more than {MAX_RULES} rules, as one about a network counts once for "
            "each of its address ranges; write IP and SIZE instead"
        )
