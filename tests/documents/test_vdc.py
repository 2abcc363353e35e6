from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from opennebula_core.documents.vdc import render_vdc
from opennebula_core.model.objects import ALL_RESOURCES, Vdc, VdcResource
from opennebula_core.model.template import Template

Read = Callable[..., ET.Element]
Pyone = Callable[[str], Any]


def test_a_vdc_has_every_element_in_its_place(read: Read, pyone: Pyone) -> None:
    resources = [VdcResource("CLUSTER", 0, ALL_RESOURCES), VdcResource("NET", 0, 4), VdcResource("NET", 0, 5)]
    document = render_vdc(
        Vdc(id=100, name="red", group_ids=[1, 101], resources=resources, template=Template.parse("A=b"))
    )

    read(document)
    found = pyone(document)
    assert (found.ID, found.GROUPS.ID, found.TEMPLATE["A"]) == (100, [1, 101], "b")
    assert [item.CLUSTER_ID for item in found.CLUSTERS.CLUSTER] == [-10]
    assert [item.VNET_ID for item in found.VNETS.VNET] == [4, 5]
    assert (found.HOSTS.HOST, found.DATASTORES.DATASTORE) == ([], [])
