from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from opennebula_core.documents.template import render_template
from opennebula_core.model.objects import VmTemplate
from opennebula_core.model.template import Template

Read = Callable[..., ET.Element]
Pyone = Callable[[str], Any]


def test_a_vm_template_has_every_element_in_its_place(read: Read, pyone: Pyone) -> None:
    document = render_template(
        VmTemplate(id=3, name="small", regtime=9, template=Template.parse("CPU=1 DISK=[IMAGE_ID=1]"))
    )

    read(document)
    found = pyone(document)
    assert (found.ID, found.REGTIME, found.TEMPLATE["DISK"]["IMAGE_ID"]) == (3, 9, "1")
