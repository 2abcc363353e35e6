"""The attributes in monitoring texts: read liberally, since probes of many authors write them.

``NAME=value``, ``NAME="text"`` and ``NAME=[KEY="value", ...]``, with blanks where one likes. Hosts are not
trusted: reading takes time in proportion to the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from opennebula_core.errors import TemplateError
from opennebula_core.model.template import Template, Value, Vector

_LINE_NAME = re.compile(r"(?:^|(?<=[\s,]))([A-Za-z_][\w.-]*+)[ \t]*+=[ \t]*+")
_WORD_NAME = re.compile(r"(?:^|(?<=[\s,]))([A-Za-z_][\w.-]*+)=")
_VECTOR = re.compile(r"\[((?:[^\]\"]|\"(?:[^\"\\]|\\.)*+\")*+)\]", re.DOTALL)
_QUOTED = re.compile(r"\"((?:[^\"\\]|\\.)*+)\"", re.DOTALL)
_LINE = re.compile(r"[^\n]*+")
_WORD = re.compile(r"[^,\s]*+")
_PAIR = re.compile(r"([A-Za-z_][\w.-]*+)\s*+=\s*+(?:\"((?:[^\"\\]|\\.)*+)\"|([^,\s\]]*+))", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)

_MAX_MALFORMED: Final = 100
"""An open bracket or quote costs a look at the rest of the text; after so many the rest is left unread."""


def parse_attributes(text: str, *, words: bool = False) -> Template:
    """Return what the text says; what is no attribute is passed over, one without a value is left out.

    :param words: commas and blanks end a value too, as up to 4.2; else only the line's end does
    """
    template = Template()
    patterns = (_WORD_NAME, _WORD) if words else (_LINE_NAME, _LINE)
    for name, value in _scan(text, *patterns):
        try:
            template.add(name, value)
        except TemplateError:
            continue
    return template


def render_attributes(items: Iterable[tuple[str, Value]]) -> str:
    """Return attributes as lines, texts quoted, as today's probes write them."""
    return "".join(f"{name}={_render(value)}\n" for name, value in items)


def _scan(text: str, name: re.Pattern[str], plain: re.Pattern[str]) -> Iterator[tuple[str, Value]]:
    position = malformed = 0
    while malformed < _MAX_MALFORMED and (found := name.search(text, position)):
        start = found.end()
        first = text[start : start + 1]
        match = _VECTOR.match(text, start) if first == "[" else _QUOTED.match(text, start)
        if first in ("[", '"') and match is None:
            malformed += 1
        value = match or plain.match(text, start)
        assert value is not None
        position = value.end()
        if match is None:
            yield from _single(found[1], value[0].strip())
        elif first == "[":
            vector = Vector(
                (key.upper(), _unescape(quoted or bare)) for key, quoted, bare in _pairs(match[1])
            )
            if vector:
                yield found[1], vector
        else:
            yield found[1], _unescape(match[1])


def _pairs(text: str) -> list[tuple[str, str, str]]:
    return _PAIR.findall(text)


def _single(name: str, value: str) -> Iterator[tuple[str, Value]]:
    if value:
        yield name, value


def _unescape(text: str) -> str:
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def _render(value: Value) -> str:
    if isinstance(value, str):
        return _quote(value)
    return "[" + ", ".join(f"{key}={_quote(item)}" for key, item in value.items()) + "]"


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
