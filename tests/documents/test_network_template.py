from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from opennebula_core.documents.network_template import render_network_template
from opennebula_core.model.objects import Lock, NetworkTemplate
from opennebula_core.model.template import Template

Read = Callable[..., ET.Element]
Pyone = Callable[[str], Any]


def test_a_template_of_networks_has_every_element_in_its_place(read: Read, pyone: Pyone) -> None:
    content = Template.parse("VN_MAD=bridge AR=[TYPE=IP4,SIZE=9]")
    document = render_network_template(
        NetworkTemplate(id=3, name="lan", regtime=9, template=content, lock=Lock(2, 0, 5))
    )

    read(document)
    found = pyone(document)
    assert (found.ID, found.REGTIME, found.LOCK.LOCKED) == (3, 9, 2)
    assert found.TEMPLATE["AR"]["SIZE"] == "9"
