"""Checks of the rules that users give a security group."""

from __future__ import annotations

from opennebula_core.errors import InternalError
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
