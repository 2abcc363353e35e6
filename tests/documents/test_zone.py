from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from opennebula_core.documents.fragments import pool
from opennebula_core.documents.zone import RAFT, render_zone

Read = Callable[..., ET.Element]
Pyone = Callable[[str], Any]

ENDPOINT = "http://127.0.0.1:2633/RPC2"


def test_the_zone_of_a_front_end_that_stands_alone(read: Read, pyone: Pyone) -> None:
    document = render_zone(0, "OpenNebula", ENDPOINT)

    read(document)
    (zone,) = pyone(pool("ZONE_POOL", [document])).ZONE
    assert (zone.ID, zone.TEMPLATE["ENDPOINT"]) == (0, ENDPOINT)


def test_a_front_end_that_stands_alone_has_no_raft(read: Read) -> None:
    assert read(RAFT).findtext("STATE") == "0"
