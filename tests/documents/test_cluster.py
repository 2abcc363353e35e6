from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from opennebula_core.documents.cluster import render_cluster
from opennebula_core.model.objects import Cluster
from opennebula_core.model.template import Template

Read = Callable[..., ET.Element]
Pyone = Callable[[str], Any]

CLUSTER = Cluster(id=0, name="default", template=Template.parse('RESERVED_CPU="" RESERVED_MEM=""'))


def test_a_cluster_lists_its_members(read: Read, pyone: Pyone) -> None:
    document = render_cluster(CLUSTER, (1, 2), (0, 1), ())

    assert read(document).findtext("TEMPLATE/RESERVED_CPU") == ""
    found = pyone(document)
    assert (list(found.HOSTS.ID), list(found.DATASTORES.ID), list(found.VNETS.ID)) == ([1, 2], [0, 1], [])
