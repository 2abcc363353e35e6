"""XML escaped once more, to stand as a string inside an XML-RPC answer."""

from __future__ import annotations


def escape_document(text: str) -> str:
    """Return ``text`` with ``&``, ``<`` and ``>`` written as entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape_document(text: str) -> str:
    """Return the text that :func:`escape_document` made ``text`` from."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
