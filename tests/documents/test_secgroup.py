from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from opennebula_core.documents.secgroup import render_security_group
from opennebula_core.model.objects import SecurityGroup
from opennebula_core.model.states import GroupStanding
from opennebula_core.model.template import Template

Read = Callable[..., ET.Element]
Pyone = Callable[[str], Any]


def test_a_security_group_lists_its_vms_by_how_far_they_are(read: Read, pyone: Pyone) -> None:
    template = Template.parse("RULE=[PROTOCOL=ALL,RULE_TYPE=inbound]")
    lists = {GroupStanding.UPDATED: (7,), GroupStanding.ERROR: (8, 9)}
    document = render_security_group(SecurityGroup(id=0, name="default", template=template), lists)

    read(document)
    found = pyone(document)
    assert (found.ID, list(found.UPDATED_VMS.ID), list(found.ERROR_VMS.ID)) == (0, [7], [8, 9])
