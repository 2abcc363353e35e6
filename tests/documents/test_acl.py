from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from opennebula_core.documents.acl import render_acl_pool
from opennebula_core.model.acl import parse_rule
from opennebula_core.model.objects import AclRule

Read = Callable[..., ET.Element]
Pyone = Callable[[str], Any]


def test_rules_are_ordered_by_the_users_part(read: Read, pyone: Pyone) -> None:
    texts = ("* ZONE/* USE *", "@1 HOST/* MANAGE #0", "#5 VM/#7 USE #0")
    parsed = (parse_rule(text) for text in texts)
    rules = [
        AclRule(number, rule.user, rule.resource, rule.rights, rule.zone)
        for number, rule in enumerate(parsed)
    ]

    element = read(render_acl_pool(rules))

    assert [item.findtext("STRING") for item in element] == [texts[2], texts[1], texts[0]]
    assert element.findtext("ACL/RESOURCE") == "1100000007"
    assert [rule.ID for rule in pyone(render_acl_pool(rules)).ACL] == [2, 1, 0]
