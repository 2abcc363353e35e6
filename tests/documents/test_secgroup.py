from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from opennebula_core.documents.secgroup import render_security_group
from opennebula_core.model.objects import SecurityGroup
from opennebula_core.model.template import Template

Read = Callable[..., ET.Element]
Pyone = Callable[[str], Any]


def test_a_security_group_lists_the_vms_that_have_its_rules(read: Read, pyone: Pyone) -> None:
    template = Template.parse("RULE=[PROTOCOL=ALL,RULE_TYPE=inbound]")
    document = render_security_group(SecurityGroup(id=0, name="default", template=template), (7,))

    read(document)
    found = pyone(document)
    assert (found.ID, list(found.UPDATED_VMS.ID)) == (0, [7])
