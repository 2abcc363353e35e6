"""XML read and written at cold borders: ``--json`` and ``--yaml``, libvirt's answers, configuration, LWF.

The one place of xmltodict, with one convention: an element is a text, or a dictionary of its children when
it has any; attributes are ``@name``, and the text beside children or attributes is ``#text``. What may repeat
is always a list, when the caller says what that is. For hot paths there is :func:`element`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final
from xml.parsers.expat import ExpatError

import xmltodict

from opennebula_core.errors import XmlError
from opennebula_core.model.elements import MAX_DEPTH, MAX_DOCUMENT_CHARS, check_document
from opennebula_core.model.elements import parse_element as element

__all__ = ["Node", "element", "parse", "parse_document", "unparse"]

Node = str | list["Node"] | dict[str, "Node"]
Repeats = Callable[[str, str], bool]
"""Whether an element may repeat, by the name of its parent (empty for the root) and its own."""

_TEXT: Final = "#text"

_LISTS: Final[Mapping[str, str]] = {
    "ADMINS": "ID",
    "APP_CLONES": "ID",
    "AR_POOL": "AR",
    "BACKUP_DISK_IDS": "ID",
    "BACKUP_IDS": "ID",
    "BACKUP_INCREMENTS": "INCREMENT",
    "CLONES": "ID",
    "CLUSTERS": "ID",
    "DATASTORES": "ID",
    "DATASTORE_QUOTA": "DATASTORE",
    "ERROR_VMS": "ID",
    "GROUPS": "ID",
    "HISTORY_RECORDS": "HISTORY",
    "HOSTS": "ID",
    "IMAGES": "ID",
    "IMAGE_QUOTA": "IMAGE",
    "LEASES": "LEASE",
    "MONITORING_DATA": "MONITORING",
    "NETWORK_QUOTA": "NETWORK",
    "NUMA_NODES": "NODE",
    "OUTDATED_VMS": "ID",
    "PCI_DEVICES": "PCI",
    "SCHED_ACTIONS": "ID",
    "SERVER_POOL": "SERVER",
    "UPDATED_VMS": "ID",
    "UPDATING_VMS": "ID",
    "USERS": "ID",
    "VMS": "ID",
    "VM_QUOTA": "VM",
    "VNETS": "ID",
    "VROUTERS": "ID",
}
"""Elements that only hold a list, with the name of what they hold. Source: OpenNebula 6.10 documents."""

_REPEATED: Final = frozenset(
    {"CORE", "DISK", "DISK_SIZE", "DS", "HUGEPAGE", "INPUT", "LOGIN_TOKEN", "NIC", "NIC_ALIAS", "NUMA_NODE"}
    | {"PCI", "QUOTAS", "RULE", "SCHED_ACTION", "SECURITY_GROUP_RULE", "SNAPSHOT"}
)
"""Elements that may repeat wherever they stand."""


def parse(
    text: str,
    *,
    force_list: Collection[str] | Repeats = (),
    max_chars: int = MAX_DOCUMENT_CHARS,
    max_depth: int = MAX_DEPTH,
) -> dict[str, Node]:
    """Return an XML text as nested dictionaries; the only key is the root's name.

    :param force_list: names of elements that are always lists, or a function that says so
    :raises XmlError: the text is not well-formed, too large or deep, or declares a document type
    """
    check_document(text, max_chars)

    def finish(path: Sequence[tuple[str, object]], key: str, value: Any) -> tuple[str, Node]:
        if len(path) >= max_depth:
            raise XmlError(f"read XML: elements are nested more than {max_depth} deep; flatten the document")
        return key, _plain(value)

    def repeats(path: Sequence[tuple[str, object]], key: str, value: object) -> bool:
        if callable(force_list):
            return force_list(path[-1][0] if path else "", key)
        return key in force_list

    try:
        parsed: dict[str, Node] = xmltodict.parse(
            text, strip_whitespace=False, postprocessor=finish, force_list=repeats
        )
    except (ExpatError, ValueError) as error:  # ValueError: half a surrogate pair
        raise XmlError(f"read XML: {error}; check that the text is well-formed") from None
    return parsed


def parse_document(text: str) -> dict[str, Node]:
    """Return a document of OpenNebula's API, in which everything that may repeat is a list, even when empty.

    :raises XmlError: as :func:`parse`
    """
    document = parse(text, force_list=_may_repeat)
    return {name: _with_empty_lists(name, node) for name, node in document.items()}


def unparse(document: Mapping[str, Node]) -> str:
    """Return the XML text that :func:`parse` reads as ``document``, without a declaration.

    :raises XmlError: there is not exactly one root, or a name that XML does not allow
    """
    if len(document) != 1:
        raise XmlError(f"write XML: a document has one root element, not {len(document)}; wrap them in one")
    try:
        text: str = xmltodict.unparse(dict(document), full_document=False)
    except ValueError as error:
        raise XmlError(f"write XML: {error}; correct the document") from None
    return text


def _plain(value: Any) -> Node:
    """Return an element's content without None, and without the white space between children."""
    if value is None:
        return ""
    if isinstance(value, dict) and not value.get(_TEXT, "x").strip():
        children = [key for key in value if not key.startswith(("@", "#"))]
        return {key: item for key, item in value.items() if key != _TEXT or not children}
    result: Node = value
    return result


def _may_repeat(parent: str, name: str) -> bool:
    return name in _REPEATED or _LISTS.get(parent) == name or parent == f"{name}_POOL"


def _with_empty_lists(name: str, node: Node) -> Node:
    if node == "":
        held = _LISTS.get(name) or (name.removesuffix("_POOL") if name.endswith("_POOL") else "")
        return {held: []} if held else node
    if isinstance(node, dict):
        return {key: _with_empty_lists(key, child) for key, child in node.items()}
    if isinstance(node, list):
        return [_with_empty_lists(name, child) for child in node]
    return node
