"""Templates: the attributes that users, drivers and the core describe objects with.

A template maps names to one or more values; a value is a text or a :class:`Vector`. Texts come in the native
syntax or as XML; the store keeps JSON; clients get XML.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.errors import TemplateError, XmlError
from opennebula_core.model.elements import parse_element
from opennebula_core.model.template_syntax import Value, Vector, normalise_name, render, scan
from opennebula_core.model.template_xml import render_attributes

__all__ = ["Template", "Value", "Vector"]

_MAX_XML_DEPTH: Final = 8
_XML_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


class Template:
    """Attributes by name, in the order in which the names came; a name may have several values.

    Names and the keys of vectors are stored upper-case; ask for them so. An empty vector is never held: it
    says "no such attribute", and takes effect in :meth:`merge`.

    :param items: name and value pairs
    """

    __slots__ = ("_cleared", "_values")

    def __init__(self, items: Iterable[tuple[str, str | dict[str, str]]] = ()) -> None:
        self._values: dict[str, list[Value]] = {}
        self._cleared: set[str] = set()
        for name, value in items:
            self.add(name, value)

    @classmethod
    def parse(cls, text: str) -> Template:
        """Return what a user's text describes: XML when it begins with ``<``, else native syntax.

        :raises TemplateError: the text does not parse; native texts with the line and columns
        """
        if text.startswith("<"):
            return cls._parse_xml(text)
        template = cls()
        values = template._values
        for name, value in scan(text):
            if value or value == "":
                values.setdefault(name, []).append(value)
            else:
                template._cleared.add(name)
        return template

    @classmethod
    def _parse_xml(cls, text: str) -> Template:
        try:
            root = parse_element(text, max_depth=_MAX_XML_DEPTH)
        except XmlError as error:
            raise TemplateError(str(error)) from None
        template = cls()
        for child in root:
            if any(len(item) for item in child):
                raise TemplateError(f"vector {child.tag!r} holds another vector; vectors cannot be nested")
            value = _value_of(child, keep_empty=False)
            if value or len(child):
                template.add(child.tag, value)
        for name, value in template:
            _check_xml_item(name, value)
        return template

    @classmethod
    def from_element(cls, element: Element) -> Template:
        """Return the template that an element of a document holds, such as the TEMPLATE of a VM.

        Each child is a single attribute, or a vector when it has children.
        """
        template = cls()
        for child in element:
            template.add(child.tag, _value_of(child, keep_empty=True))
        return template

    @classmethod
    def from_json(cls, text: str) -> Template:
        """Return the template that :meth:`to_json` made ``text`` from."""
        template = cls()
        values = json.loads(text)
        for held in values.values():
            if type(held[0]) is dict or len(held) > 1:
                held[:] = [Vector(value) if type(value) is dict else value for value in held]
        template._values = values
        return template

    def to_json(self) -> str:
        """Return the template as a JSON object: each name with the list of its values."""
        return _ENCODE(self._values)

    def get(self, name: str, default: str = "") -> str:
        """Return the first text value of ``name``."""
        for value in self._values.get(name, ()):
            if isinstance(value, str):
                return value
        return default

    def values(self, name: str) -> list[str]:
        """Return all text values of ``name``."""
        return [value for value in self._values.get(name, ()) if isinstance(value, str)]

    def vector(self, name: str) -> Vector | None:
        """Return the first vector of that name; changes to it change the template."""
        for value in self._values.get(name, ()):
            if not isinstance(value, str):
                return value
        return None

    def vectors(self, name: str) -> list[Vector]:
        """Return all vectors of that name; changes to them change the template."""
        return [value for value in self._values.get(name, ()) if not isinstance(value, str)]

    def names(self) -> list[str]:
        """Return the names that have a value."""
        return list(self._values)

    def clears(self, name: str) -> bool:
        """Return whether there is an empty vector of that name, which removes the attribute in a merge."""
        return name in self._cleared

    @property
    def has_clearings(self) -> bool:
        """Whether the text holds any empty vector."""
        return bool(self._cleared)

    def set(self, name: str, value: str | dict[str, str]) -> None:
        """Replace all values of ``name`` by one."""
        self.remove(name)
        self.add(name, value)

    def add(self, name: str, value: str | dict[str, str]) -> None:
        """Add a value behind those that ``name`` has; a plain dictionary becomes a vector."""
        name = normalise_name(name)
        if not isinstance(value, str):
            if type(value) is not Vector:
                value = Vector((normalise_name(key), item) for key, item in value.items())
            if not value:
                self._cleared.add(name)
                return
        self._values.setdefault(name, []).append(value)

    def remove(self, name: str) -> list[Value]:
        """Remove all values of ``name`` and return them."""
        return self._values.pop(name.upper(), [])

    def take(self, name: str) -> str:
        """Remove all values of ``name`` and return its first text, empty when it has none."""
        return next((value for value in self.remove(name) if isinstance(value, str)), "")

    def discard(self, name: str, value: Value) -> None:
        """Remove one value that this template holds, by identity, and leave the others of its name."""
        held = self._values.get(name, [])
        for index, candidate in enumerate(held):
            if candidate is value:
                del held[index]
                break
        if not held:
            self._values.pop(name, None)

    def merge(self, other: Template) -> None:
        """Let the attributes of ``other`` take the place of all that have the same names.

        An empty vector in the text of ``other`` removes the attribute.
        """
        for name in other._cleared:
            self._values.pop(name, None)
        for name, held in other._values.items():
            self._values[name] = _copies(held)

    def copy(self) -> Template:
        """Return a copy that shares nothing with this template."""
        template = Template()
        template._values = {name: _copies(held) for name, held in self._values.items()}
        template._cleared = set(self._cleared)
        return template

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[tuple[str, Value]]:
        for name, held in self._values.items():
            for value in held:
                yield name, value

    def __len__(self) -> int:
        return sum(map(len, self._values.values()))

    def __bool__(self) -> bool:
        return bool(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and self._values == other._values

    __hash__ = None  # type: ignore[assignment]  # mutable: has no hash

    def __repr__(self) -> str:
        return f"Template({list(self)!r})"

    def to_text(self) -> str:
        """Return the template in native syntax, one attribute a line."""
        return render(self)

    def to_xml(self, root: str = "TEMPLATE", *, escaped: bool = False) -> str:
        """Return the template as an element: children sorted by name, leaves as CDATA.

        What XML cannot hold (control characters, ``]]>`` in a driver's message) is replaced.

        :param escaped: write ``&lt;`` for ``<`` and so on, to stand in the text of another document
        """
        inner = render_attributes(self._values, escaped=escaped)
        return f"&lt;{root}&gt;{inner}&lt;/{root}&gt;" if escaped else f"<{root}>{inner}</{root}>"


def _copies(held: list[Value]) -> list[Value]:
    return [value if isinstance(value, str) else Vector(value) for value in held]


def _value_of(element: Element, *, keep_empty: bool) -> Value:
    if not len(element):
        return element.text or ""
    vector = Vector()
    for child in element:
        if child.text or keep_empty:
            vector.setdefault(normalise_name(child.tag), child.text or "")
    return vector


def _check_xml_item(name: str, value: Value) -> None:
    names, texts = ([name], [value]) if isinstance(value, str) else ([name, *value], list(value.values()))
    for item in names:
        if not _XML_NAME.fullmatch(item):
            raise TemplateError(f"attribute name {item!r} is not allowed; use letters, digits and '_'")
    if any("]]>" in text for text in texts):
        raise TemplateError(f"the value of {name} contains ']]>', which cannot be part of a value")
