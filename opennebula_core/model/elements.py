"""XML texts from outside, read without doctypes and entities and within limits; text that XML can hold."""

from __future__ import annotations

import re
from typing import Final
from xml.etree.ElementTree import Element, ParseError, XMLParser

from opennebula_core.errors import XmlError

MAX_DOCUMENT_CHARS: Final = 256 * 1024 * 1024
"""Larger texts are refused. A pool of 100,000 VMs is about 80 million characters."""

MAX_DEPTH: Final = 64
"""Deeper documents are refused; OpenNebula's own need nine levels."""

# Only declarations, processing instructions and comments may stand before the root element. Everything in
# it is possessive: a hostile text costs linear time.
_PROLOG = re.compile(r"(?:\s++|<\?(?:[^?]|\?(?!>))*+\?>|<!--(?:[^-]|-(?!->))*+-->)*+<[^!?]")
_CONTROLS = bytes(code for code in range(32) if chr(code) not in "\t\n\r")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def is_legal_text(text: str) -> bool:
    """Return whether XML 1.0 can hold every character of ``text``."""
    if not text.isascii():
        return _ILLEGAL.search(text) is None
    data = text.encode()  # a byte table is five times as fast as the expression
    return len(data.translate(None, _CONTROLS)) == len(data)


def legal_text(text: str) -> str:
    """Return ``text`` with ``?`` for every character that XML 1.0 cannot hold."""
    return text if is_legal_text(text) else _ILLEGAL.sub("?", text)


def check_document(text: str, max_chars: int = MAX_DOCUMENT_CHARS) -> None:
    """Check what can be told before parsing: the size, and that no document type is declared.

    :raises XmlError: the text is too large, or begins with anything but comments and an element
    """
    if len(text) > max_chars:
        raise XmlError(f"read XML: the text has {len(text)} characters; at most {max_chars} are allowed")
    if not _PROLOG.match(text):
        raise XmlError("read XML: it does not begin with an element; document types are not allowed")


def parse_element(text: str, *, max_chars: int = MAX_DOCUMENT_CHARS, max_depth: int = MAX_DEPTH) -> Element:
    """Return the root element of an XML text.

    :raises XmlError: the text is not well-formed, too large or deep, or declares a document type
    """
    check_document(text, max_chars)
    parser = XMLParser()
    try:
        parser.feed(text)
        root: Element = parser.close()
    except (ParseError, ValueError) as error:  # ValueError: half a surrogate pair
        raise XmlError(f"read XML: {error}; check that the text is well-formed") from None
    _check_depth(root, max_depth)
    return root


def _check_depth(root: Element, max_depth: int) -> None:
    level = [root]
    for _ in range(max_depth):
        level = [child for element in level for child in element]
        if not level:
            return
    raise XmlError(f"read XML: elements are nested more than {max_depth} deep; flatten the document")
