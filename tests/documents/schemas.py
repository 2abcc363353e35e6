"""Documents held against ``schemas.txt``: order, names, empties and types of elements."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

_ITEM = re.compile(r"([A-Z_0-9]+)([?*]?)(?::(int|dec|T))?(\{)?|(\})")


@dataclass(frozen=True)
class Item:
    """An element as a schema has it.

    :param repeat: ``?`` may be absent, ``*`` may repeat, nothing: once
    :param type: ``int``, ``dec``, ``T`` for free template content
    """

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


def check_document(element: ET.Element, schema: str = "") -> None:
    """Hold a document against the schema of its kind.

    :param schema: its name, where that is not the root's
    """
    _check_children(element, SCHEMAS[schema or element.tag], element.tag)


def check_pool(pool: ET.Element, root: str, schema: str) -> None:
    """Hold a pool of whole documents against the schema of its objects."""
    assert pool.tag == root
    for element in pool:
        check_document(element, schema)


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
