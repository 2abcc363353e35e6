"""The few ways in which a domain description writes XML, and the only places where values are quoted.

Element text goes into CDATA, attribute values into single quotes with ``& < > ' "`` as entities: the shapes
that OpenNebula's own scripts expect. Characters that XML 1.0 cannot carry are dropped. Source: OpenNebula
6.10 deployment files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&apos;", '"': "&quot;"})
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Value = str | int | None


def escape(value: str | int) -> str:
    """Return ``value`` so that it may stand as text or in either kind of quotes."""
    return _NOT_XML.sub("", str(value)).translate(_ENTITIES)


def cdata(value: str | int) -> str:
    """Return ``value`` as a CDATA section that its content cannot end."""
    return "<![CDATA[" + _NOT_XML.sub("", str(value)).replace("]]>", "]]]]><![CDATA[>") + "]]>"


def element(name: str, text: str | int) -> str:
    """Return an element with its text in CDATA."""
    return f"<{name}>{cdata(text)}</{name}>"


def opening(name: str, attributes: Iterable[tuple[str, Value]] = ()) -> str:
    """Return a start tag; attributes that are None or empty are left out."""
    return f"<{name}{_written(attributes)}>"


def empty(name: str, attributes: Iterable[tuple[str, Value]] = ()) -> str:
    """Return an element without content; attributes that are None or empty are left out."""
    return f"<{name}{_written(attributes)}/>"


def block(name: str, inner: Iterable[str], attributes: Iterable[tuple[str, Value]] = ()) -> list[str]:
    """Return the lines of an element around ``inner``, which gains one tab of indentation."""
    return [opening(name, attributes), *indent(inner), f"</{name}>"]


def block_unless_empty(name: str, inner: list[str]) -> list[str]:
    """Return a block, or no line at all when there is nothing to put into it."""
    return block(name, inner) if inner else []


def indent(lines: Iterable[str]) -> list[str]:
    """Return the lines, each one tab further in."""
    return ["\t" + line for line in lines]


def _written(attributes: Iterable[tuple[str, Value]]) -> str:
    return "".join(f" {name}='{escape(value)}'" for name, value in attributes if value not in (None, ""))
