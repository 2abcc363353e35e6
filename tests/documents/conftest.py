"""Documents are checked against the schemas in ``schemas.txt`` and against pyone's bindings."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyone import bindings

from opennebula_core.documents.escape import unescape_document

_ITEM = re.compile(r"([A-Z_0-9]+)([?*]?)(?::(int|dec|T))?(\{)?|(\})")


@dataclass(frozen=True)
class Item:
    name: str
    repeat: str
    type: str | None
    children: tuple[Item, ...] | None


def _parse_items(text: str, position: int) -> tuple[tuple[Item, ...], int]:
    items: list[Item] = []
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        match = _ITEM.match(text, position)
        assert match, text[position:]
        position = match.end()
        if match[5]:
            break
        children: tuple[Item, ...] | None = None
        if match[4]:
            children, position = _parse_items(text, position)
        items.append(Item(match[1], match[2], match[3], children))
    return tuple(items), position


def _read_schemas() -> dict[str, tuple[Item, ...]]:
    lines = (Path(__file__).parent / "schemas.txt").read_text().splitlines()
    schemas: dict[str, tuple[Item, ...]] = {}
    for line in lines:
        if line and not line.startswith("#"):
            (root,), _ = _parse_items(line, 0)
            assert root.children is not None
            schemas[root.name] = root.children
    return schemas


SCHEMAS = _read_schemas()


def _check_children(element: ET.Element, items: tuple[Item, ...], path: str) -> None:
    if len(items) == 1 and items[0].children is None and items[0].name in SCHEMAS and items[0].repeat == "":
        items = SCHEMAS[items[0].name]
    waiting = list(element)
    for item in items:
        found = 0
        while waiting and waiting[0].tag == item.name and (item.repeat == "*" or not found):
            _check(waiting.pop(0), item, f"{path}/{item.name}")
            found += 1
        assert found or item.repeat, f"{path}: no {item.name} before {[child.tag for child in waiting[:1]]}"
    assert [child.tag for child in waiting] == [], f"{path}: out of order or unknown"


def _check(element: ET.Element, item: Item, path: str) -> None:
    if item.type == "T":
        names = [child.tag for child in element]
        assert names == sorted(names), f"{path}: not sorted"
    elif item.children is not None:
        _check_children(element, item.children, path)
    else:
        assert len(element) == 0, f"{path}: has children"
        if item.type == "int":
            assert int(element.text or "") is not None, path
        elif item.type == "dec":
            assert Decimal(element.text or "") is not None, path


@pytest.fixture
def read() -> Callable[..., ET.Element]:
    """Return a document as an element, after checking it against the schema of its kind."""

    def check(document: str, schema: str = "") -> ET.Element:
        plain = unescape_document(document)
        assert not re.search(r">\s+<", plain), "white space between elements"
        element = ET.fromstring(plain)
        _check_children(element, SCHEMAS[schema or element.tag], element.tag)
        return element

    return check


@pytest.fixture
def pyone() -> Callable[[str], Any]:
    """Return a document as the object that pyone makes of it."""

    def parse(document: str) -> Any:
        return bindings.parseString(unescape_document(document).encode(), True)

    return parse
