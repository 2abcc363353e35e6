"""Documents are checked against the schemas in ``schemas.txt`` and against pyone's bindings."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest
from pyone import bindings

from opennebula_core.documents.escape import unescape_document
from tests.documents.schemas import check_document


@pytest.fixture
def read() -> Callable[..., ET.Element]:
    """Return a document as an element, after checking it against the schema of its kind."""

    def check(document: str, schema: str = "") -> ET.Element:
        plain = unescape_document(document)
        assert not re.search(r">\s+<", plain), "white space between elements"
        element = ET.fromstring(plain)
        check_document(element, schema)
        return element

    return check


@pytest.fixture
def pyone() -> Callable[[str], Any]:
    """Return a document as the object that pyone makes of it."""

    def parse(document: str) -> Any:
        return bindings.parseString(unescape_document(document).encode(), True)

    return parse
