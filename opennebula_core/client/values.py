"""XML-RPC on the wire, as both ends need it: envelopes read under limits, values written.

Source: the XML-RPC specification, with the ``i8`` and ``nil`` extensions. Doctypes and entities are refused,
depth and number of values are bounded: the text may come from anybody.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from xml.parsers import expat

from opennebula_core.errors import XmlError

MAX_DEPTH: Final = 64
"""Elements within each other; an array or a struct takes three."""

_SCALARS: Final = frozenset(
    {"string", "int", "i4", "i8", "ex:i8", "boolean", "double", "base64", "dateTime.iso8601", "nil", "ex:nil"}
)
_CHILDREN: Final[Mapping[str, frozenset[str]]] = {
    "": frozenset({"methodCall", "methodResponse"}),
    "methodCall": frozenset({"methodName", "params"}),
    "methodResponse": frozenset({"params", "fault"}),
    "params": frozenset({"param"}),
    "param": frozenset({"value"}),
    "fault": frozenset({"value"}),
    "value": _SCALARS | {"array", "struct"},
    "array": frozenset({"data"}),
    "data": frozenset({"value"}),
    "struct": frozenset({"member"}),
    "member": frozenset({"name", "value"}),
}
_CONTAINERS: Final = frozenset({"array", "struct"})
_NOTHING: Final[frozenset[str]] = frozenset()
_INTEGER: Final = re.compile(r"\s*([-+]?[0-9]{1,20})\s*")
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Envelope:
    """A call or an answer.

    :param method: the name of the method called; empty for an answer
    :param values: parameters of a call; the one value of an answer or of a fault
    """

    is_call: bool
    is_fault: bool
    method: str
    values: list[object]


def read_envelope(body: bytes, *, max_values: int) -> Envelope:
    """Return what an XML-RPC text says.

    :param max_values: how many values it may hold, those within arrays and structs counted
    :raises XmlError: it is no XML-RPC, has a doctype or entities, or goes past a limit
    """
    reader = _Reader(max_values)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text.append
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise XmlError(f"XML-RPC text: {error}; send well-formed XML") from None
    return reader.envelope()


def _refuse_doctype(*_declaration: object) -> None:
    raise XmlError("XML-RPC text: doctypes and entities are not allowed; leave them out")


def _integer(text: str) -> int:
    match = _INTEGER.fullmatch(text)
    if match is None:
        raise XmlError(f"XML-RPC text: {text[:40]!r} is no integer; send digits")
    return int(match[1])


def _small_integer(text: str) -> int:
    number = _integer(text)
    if not -0x80000000 <= number <= 0x7FFFFFFF:
        raise XmlError(f"XML-RPC text: {number} does not fit in 32 bits; send an i8")
    return number


def _long_integer(text: str) -> int:
    number = _integer(text)
    if not -0x8000000000000000 <= number <= 0x7FFFFFFFFFFFFFFF:
        raise XmlError(f"XML-RPC text: {number} does not fit in 64 bits")
    return number


def _boolean(text: str) -> bool:
    stripped = text.strip()
    if stripped not in ("0", "1"):
        raise XmlError(f"XML-RPC text: {text[:40]!r} is no boolean; send 0 or 1")
    return stripped == "1"


def _double(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise XmlError(f"XML-RPC text: {text[:40]!r} is no double") from None


def _base64(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text.encode("ascii"))
    except ValueError:
        raise XmlError("XML-RPC text: a base64 value does not decode") from None


_CONVERT: Final[Mapping[str, Callable[[str], object]]] = {
    "string": str,
    "int": _small_integer,
    "i4": _small_integer,
    "i8": _long_integer,
    "ex:i8": _long_integer,
    "boolean": _boolean,
    "double": _double,
    "base64": _base64,
    "dateTime.iso8601": str,
    "nil": lambda _text: None,
    "ex:nil": lambda _text: None,
}


class _Reader:
    """Expat's handlers: a stack of element names, and a stack of lists that values go to."""

    __slots__ = ("_is_call", "_is_fault", "_lists", "_method", "_path", "_untyped", "_values_left", "text")

    def __init__(self, max_values: int) -> None:
        self.text: list[str] = []
        self._path: list[str] = [""]
        self._lists: list[list[object]] = [[]]
        self._method = ""
        self._is_call = False
        self._is_fault = False
        self._untyped = False
        self._values_left = max_values

    def start(self, tag: str, _attributes: Mapping[str, str]) -> None:
        path = self._path
        if tag not in _CHILDREN.get(path[-1], _NOTHING):
            raise XmlError(
                f"XML-RPC text: element {tag[:40]!r} has no place in {path[-1] or 'the document'!r}"
            )
        if len(path) > MAX_DEPTH:
            raise XmlError(f"XML-RPC text: more than {MAX_DEPTH} elements within each other")
        if tag == "value":
            self._untyped = True
            self._values_left -= 1
            if self._values_left < 0:
                raise XmlError("XML-RPC text: too many values; send fewer at a time")
        elif path[-1] == "value":
            if not self._untyped:
                raise XmlError("XML-RPC text: a value has more than one type")
            if tag in _CONTAINERS:
                self._lists.append([])
        path.append(tag)
        self.text.clear()

    def end(self, tag: str) -> None:
        self._path.pop()
        if tag in _SCALARS:
            self._lists[-1].append(_CONVERT[tag]("".join(self.text)))
            self._untyped = False
        elif tag == "value":
            if self._untyped:
                self._lists[-1].append("".join(self.text))
                self._untyped = False
        elif tag in _CONTAINERS:
            members = self._lists.pop()
            self._lists[-1].append(_struct(members) if tag == "struct" else members)
            self._untyped = False
        elif tag == "name":
            self._lists[-1].append("".join(self.text))
        elif tag == "methodName":
            self._method = "".join(self.text).strip()
        elif tag == "methodCall":
            self._is_call = True
        elif tag == "fault":
            self._is_fault = True
        self.text.clear()

    def envelope(self) -> Envelope:
        """Return the whole, once the text has been read to its end."""
        return Envelope(self._is_call, self._is_fault, self._method, self._lists[0])


def _struct(flat: list[object]) -> dict[str, object]:
    if len(flat) % 2:
        raise XmlError("XML-RPC text: a struct has a member without name or value")
    members: dict[str, object] = {}
    for name, value in zip(flat[::2], flat[1::2], strict=True):
        if not isinstance(name, str):
            raise XmlError("XML-RPC text: a struct has a member without a name")
        members[name] = value
    return members


def escape(text: str) -> str:
    """Return ``text`` fit to stand in an element; characters that XML cannot hold become U+FFFD."""
    if _NOT_XML.search(text):
        text = _NOT_XML.sub("\ufffd", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def write_value(value: object) -> str:
    """Return ``value`` as a ``<value>`` element.

    :param value: None, bool, int, float, str, a sequence of such, or a mapping from names to such
    :raises TypeError: it is something else
    """
    if isinstance(value, str):
        return f"<value><string>{escape(value)}</string></value>"
    if isinstance(value, bool):
        return f"<value><boolean>{int(value)}</boolean></value>"
    if isinstance(value, int):
        tag = "i4" if -0x80000000 <= value <= 0x7FFFFFFF else "i8"
        return f"<value><{tag}>{value}</{tag}></value>"
    if isinstance(value, float):
        return f"<value><double>{value!r}</double></value>"
    if value is None:
        return "<value><nil/></value>"
    if isinstance(value, (list, tuple)):
        return f"<value><array><data>{''.join(map(write_value, value))}</data></array></value>"
    if isinstance(value, dict):
        members = "".join(
            f"<member><name>{escape(str(name))}</name>{write_value(member)}</member>"
            for name, member in value.items()
        )
        return f"<value><struct>{members}</struct></value>"
    raise TypeError(f"XML-RPC cannot carry a {type(value).__name__}")


def write_call(method: str, params: Iterable[object]) -> bytes:
    """Return the text of a call."""
    written = "".join(f"<param>{write_value(value)}</param>" for value in params)
    return (
        f'<?xml version="1.0"?><methodCall><methodName>{escape(method)}</methodName>'
        f"<params>{written}</params></methodCall>"
    ).encode()
