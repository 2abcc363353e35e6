"""The attributes of hosts and datastores under the names that expressions use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.model.template import Template

HOST_SECTIONS: Final = (
    "",
    "HOST_SHARE/",
    "HOST_SHARE/DATASTORES/",
    "TEMPLATE/",
    "MONITORING/CAPACITY/",
    "MONITORING/SYSTEM/",
    "CLUSTER_TEMPLATE/",
)
"""Where a host's attributes are searched, in the order of the document. Source: OpenNebula 6.10."""

DATASTORE_SECTIONS: Final = ("TEMPLATE/", "")

# Names come from users' expressions; anything else would reach the XPath subset of ElementTree.
_PATH = re.compile(r"/?[A-Za-z_][A-Za-z0-9_]*(?:/[A-Za-z_][A-Za-z0-9_]*)*")


class Attributes:
    """All values of an object's attributes by name or path; callable as a lookup of expressions.

    A name is searched in the document's sections, and what is found there comes in their order. A name that
    begins with ``/`` is the whole path from the root element.

    :param inherited: searched last, such as the template of the host's cluster
    """

    __slots__ = ("_element", "_found", "_inherited", "_sections")

    def __init__(self, element: Element, sections: Sequence[str], inherited: Template | None = None) -> None:
        self._element = element
        self._sections = sections
        self._inherited = inherited
        self._found: dict[str, Sequence[str]] = {}

    def __call__(self, name: str) -> Sequence[str]:
        """Return all values of the attribute, none when it is missing."""
        values = self._found.get(name)
        if values is None:
            values = self._found[name] = tuple(self._search(name)) if _PATH.fullmatch(name) else ()
        return values

    def _search(self, name: str) -> list[str]:
        if name.startswith("/"):
            root, _, path = name[1:].partition("/")
            return self._leaves(path) if path and root == self._element.tag else []
        values = [value for section in self._sections for value in self._leaves(section + name)]
        if self._inherited is not None:
            values += self._inherited.values(name)
        return values

    def _leaves(self, path: str) -> list[str]:
        return [leaf.text or "" for leaf in self._element.iterfind(path) if not len(leaf)]
