from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.image import image_xml, render_image
from opennebula_core.model.objects import Image, Lock
from opennebula_core.model.states import ImageState
from opennebula_core.model.template import Template

Read = Callable[..., ET.Element]
Pyone = Callable[[str], Any]

IMAGE = Image(
    id=1,
    name="alpine",
    persistent=True,
    source="/images/<1>",
    size_mb=256,
    state=ImageState.USED_PERS,
    datastore_id=1,
    datastore="default",
    template=Template.parse('DEV_PREFIX="vd"'),
    lock=Lock(2, 0, 5),
)


def test_an_image_shows_its_users_and_copies(read: Read) -> None:
    element = read(render_image(IMAGE, (7, 9), (4,)))

    assert [item.text for item in element.iterfind("VMS/ID")] == ["7", "9"]
    assert [item.text for item in element.iterfind("CLONES/ID")] == ["4"]
    assert element.findtext("SOURCE") == "/images/<1>"


def test_pyone_reads_an_image(pyone: Pyone) -> None:
    image = pyone(render_image(IMAGE, (7,)))

    assert (image.ID, image.PERSISTENT, image.STATE, image.SIZE) == (1, 1, 8, 256)
    assert list(image.VMS.ID) == [7]
    assert list(image.SNAPSHOTS.SNAPSHOT) == []


def test_drivers_get_an_image_as_plain_xml() -> None:
    assert escape_document(image_xml(IMAGE)) == render_image(IMAGE)
