from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from opennebula_core.documents.datastore import datastore_xml, render_datastore
from opennebula_core.documents.escape import escape_document
from opennebula_core.model.objects import Datastore

Read = Callable[..., ET.Element]
Pyone = Callable[[str], Any]

DATASTORE = Datastore(
    id=1, name="default", ds_mad="fs", tm_mad="ssh", base_path="/srv/1", cluster_ids=[0, 100]
)


def test_a_datastore_shows_its_clusters_and_images(read: Read) -> None:
    element = read(render_datastore(DATASTORE, (1, 2)))

    assert [item.text for item in element.iterfind("CLUSTERS/ID")] == ["0", "100"]
    assert [item.text for item in element.iterfind("IMAGES/ID")] == ["1", "2"]


def test_pyone_reads_a_datastore(pyone: Pyone) -> None:
    datastore = pyone(render_datastore(DATASTORE, (1, 2)))

    assert (datastore.ID, datastore.TYPE, datastore.DS_MAD, datastore.BASE_PATH) == (1, 0, "fs", "/srv/1")
    assert list(datastore.IMAGES.ID) == [1, 2]


def test_drivers_get_a_datastore_as_plain_xml() -> None:
    assert escape_document(datastore_xml(DATASTORE)) == render_datastore(DATASTORE)
