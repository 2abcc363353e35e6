"""Documents as YAML in block style; texts that are no plain words are quoted as in JSON, which YAML reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+-]*")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")
_WORDS_OF_YAML = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})

Document = str | Sequence["Document"] | Mapping[str, "Document"]


def to_yaml(document: Document) -> str:
    """Return a document of texts, lists and dictionaries as YAML; every text stays a text when read."""
    return "\n".join(_lines(document, "")) + "\n"


def _lines(node: Document, indent: str) -> Iterator[str]:
    if isinstance(node, str):
        yield indent + _scalar(node)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            if _is_leaf(value):
                yield f"{indent}{_scalar(key)}: {_leaf(value)}"
            else:
                yield f"{indent}{_scalar(key)}:"
                yield from _lines(value, indent + "  ")
    else:
        for value in node:
            if _is_leaf(value):
                yield f"{indent}- {_leaf(value)}"
            else:
                first, *rest = _lines(value, indent + "  ")
                yield f"{indent}- {first.lstrip()}"
                yield from rest


def _is_leaf(node: Document) -> bool:
    return isinstance(node, str) or not node


def _leaf(node: Document) -> str:
    if isinstance(node, str):
        return _scalar(node)
    return "{}" if isinstance(node, Mapping) else "[]"


def _scalar(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
