from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from opennebula_core.documents.vm_group import render_vm_group
from opennebula_core.model.objects import VmGroup
from opennebula_core.model.template import Template

Read = Callable[..., ET.Element]
Pyone = Callable[[str], Any]


def test_a_group_of_vms_has_every_element_in_its_place(read: Read, pyone: Pyone) -> None:
    roles = Template.parse("ROLE=[ID=0,NAME=web,POLICY=AFFINED] ROLE=[ID=2,NAME=db]")
    content = Template.parse('AFFINED="web, db"')
    document = render_vm_group(
        VmGroup(id=3, name="app", roles=roles, members={2: [5, 10], 0: []}, template=content)
    )

    read(document)
    found = pyone(document)
    assert (found.ID, found.TEMPLATE["AFFINED"]) == (3, "web, db")
    assert [(role.ID, role.NAME, role.POLICY, role.VMS) for role in found.ROLES.ROLE] == [
        (0, "web", "AFFINED", None),
        (2, "db", None, "5,10"),
    ]
    assert pyone(read_empty()).ROLES.ROLE == []


def read_empty() -> str:
    return render_vm_group(VmGroup(id=3, name="app"))
