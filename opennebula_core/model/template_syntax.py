"""OpenNebula's native template syntax: text to attributes and back.

::

    NAME   = "web"                 # single attribute
    MEMORY = 512
    DISK   = [ IMAGE_ID = 3,
               DEV_PREFIX = "vd" ]

One compiled expression matches a whole attribute, vector and comments included; only when it fails is the
text looked at token by token, for the message. Source of the rules: OpenNebula 6.10's parser, observed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from opennebula_core.errors import TemplateError
from opennebula_core.model.elements import is_legal_text


class Vector(dict[str, str]):
    """A vector attribute such as DISK or NIC; keys are upper-case."""

    __slots__ = ()


Value = str | Vector

# Quantifiers are possessive or atomic: no text makes the scanner try a second way.
_GAP = r"(?:[ \t\r\n]++|\#[^\n]*+\n)*+"
_NAME = r"[A-Za-z0-9_]++"
_EQUAL = _GAP + r"=[ \t\r]*+"
# The quote that ends a value is the first without a backslash before it; when all have one, the last.
_INNER = r'[^"]*+(?:(?<=\\)"[^"]*+)*'
_END = r"(?=[ \t\r\n=\#,\[\]]|\Z)"
_QUOTED = rf'(?>"{_INNER}"){_END}'
_QUOTED_GROUP = rf'(?>"({_INNER})"){_END}'
_BARE = r'[^ \t\r\n=\#,\[\]"][^ \t\r\n=\#,\[\]]*+'
_PAIR = rf"{_NAME}{_EQUAL}(?:{_QUOTED}|{_BARE})"
_VECTOR = rf"\[{_GAP}(?:{_PAIR}(?:{_GAP},{_GAP}{_PAIR})*+)?{_GAP}\]"

_GAP_PATTERN = re.compile(_GAP)
_PAIR_PATTERN = re.compile(rf"{_GAP}[\[,]{_GAP}({_NAME}){_EQUAL}(?:{_QUOTED_GROUP}|({_BARE}))")
_ATTRIBUTE = re.compile(rf"{_GAP}({_NAME}){_EQUAL}(?:{_QUOTED_GROUP}|({_BARE})|({_VECTOR})|(\n))")
_QUOTED_GROUP_NO, _BARE_GROUP_NO, _VECTOR_GROUP_NO = 2, 3, 4
_BARE_PATTERN = re.compile(_BARE)
_TOKEN = re.compile(
    rf"(?P<VARIABLE>{_NAME})|(?P<EQUAL_EMPTY>=[ \t\r]*+\n)|(?P<EQUAL>=[ \t\r]*+)|(?P<COMMA>,)"
    rf"|(?P<OBRACKET>\[)|(?P<CBRACKET>\])|(?P<STRING>{_QUOTED})"
)


def normalise_name(name: str) -> str:
    """Return an attribute name as it is stored: upper-case, and such that XML can hold it."""
    upper = name.upper()
    if upper[0] in "0123456789" or upper.startswith("XML"):
        return "ONE_" + upper
    return upper


def scan(text: str) -> list[tuple[str, Value]]:
    """Return the attributes of a text in native syntax, in their order; empty vectors included.

    :raises TemplateError: the text does not follow the syntax, or a value cannot be held by XML
    """
    if "]]>" in text or not is_legal_text(text):
        _refuse_characters(text)
    escaped = "\\" in text
    found: list[tuple[str, Value]] = []
    end = 0
    match_at = _ATTRIBUTE.match  # not finditer: a search would try again behind every character
    while match := match_at(text, end):
        end = match.end()
        kind = match.lastindex or 0
        value: Value
        if kind == _VECTOR_GROUP_NO:
            value = _vector(match[_VECTOR_GROUP_NO])
        elif kind <= _BARE_GROUP_NO:
            value = match[kind].replace('\\"', '"') if escaped else match[kind]
        else:
            value = ""
        found.append((normalise_name(match[1]), value))
    rest = _GAP_PATTERN.match(text, end)
    if rest is None or rest.end() != len(text):
        raise _syntax_error(text, end)
    return found


def render(attributes: Iterable[tuple[str, Value]]) -> str:
    r"""Return the attributes in native syntax, one a line, ready to be scanned again.

    The syntax has no way to write a value with blanks that ends in a backslash; such a value gets a blank
    behind it.
    """
    return "".join(_render_lines(attributes))


def _render_lines(attributes: Iterable[tuple[str, Value]]) -> Iterator[str]:
    for name, value in attributes:
        if isinstance(value, str):
            yield f"{name}={_quote(value)}\n"
        elif value:
            inner = ",\n".join(f"  {key}={_quote(item)}" for key, item in value.items())
            yield f"{name}=[\n{inner} ]\n"


def _quote(value: str) -> str:
    escaped = value.replace('"', '\\"')
    if not value.endswith("\\"):
        return f'"{escaped}"'
    return escaped if _BARE_PATTERN.fullmatch(escaped) else f'"{escaped} "'


def _vector(text: str) -> Vector:
    vector = Vector()
    for name, quoted, bare in _PAIR_PATTERN.findall(text):
        key = normalise_name(name)
        if key not in vector:  # of a key given twice the first wins
            vector[key] = (quoted or bare).replace('\\"', '"')
    return vector


def _refuse_characters(text: str) -> None:
    for offset, character in enumerate(text):
        if not is_legal_text(character):
            line, column = _position(text, offset)
            raise TemplateError(
                f"character U+{ord(character):04X} is not allowed, at line {line}, column {column}", line
            )
    if "]]>" in text:
        line, column = _position(text, text.index("]]>"))
        raise TemplateError(f"']]>' cannot be part of a value, at line {line}, column {column}", line)


def _position(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _syntax_error(text: str, start: int) -> TemplateError:
    """Return the error of the first token from ``start``, the end of an attribute, that does not fit."""
    expected, depth, offset = _AFTER["start"], 0, start
    while True:
        offset = _skip_gap(text, offset, after_equal="STRING" in expected)
        kind, end = _token(text, offset, is_value="STRING" in expected)
        if kind not in expected:
            return _unexpected(text, offset, end, kind, expected)
        depth += (kind == "OBRACKET") - (kind == "CBRACKET")
        if kind == "EQUAL" and depth:
            expected = ("STRING",)
        elif kind == "VARIABLE" and depth:
            expected = ("EQUAL",)
        elif kind == "STRING" and depth:
            expected = ("COMMA", "CBRACKET")
        else:
            expected = _AFTER[kind]
        offset = end


_AFTER = {
    "start": ("VARIABLE",),
    "VARIABLE": ("EQUAL", "EQUAL_EMPTY"),
    "EQUAL": ("OBRACKET", "STRING"),
    "EQUAL_EMPTY": ("VARIABLE",),
    "OBRACKET": ("VARIABLE", "CBRACKET"),
    "COMMA": ("VARIABLE",),
    "STRING": ("VARIABLE",),
    "CBRACKET": ("VARIABLE",),
}


def _skip_gap(text: str, offset: int, *, after_equal: bool) -> int:
    gap = None if after_equal else _GAP_PATTERN.match(text, offset)
    return gap.end() if gap else offset


def _token(text: str, offset: int, *, is_value: bool) -> tuple[str, int]:
    if offset >= len(text):
        return "end of file", offset
    if is_value and (bare := _BARE_PATTERN.match(text, offset)):
        return "STRING", bare.end()
    if token := _TOKEN.match(text, offset):
        return token.lastgroup or "", token.end()
    if text[offset] == "#":
        return "comment without line end", len(text)
    if text[offset] == '"':
        return "open quote", offset + 1
    return repr(text[offset]), offset + 1


def _unexpected(text: str, offset: int, end: int, kind: str, expected: tuple[str, ...]) -> TemplateError:
    line, column = _position(text, offset)
    columns = f"columns {column}:{column + max(end - offset, 1) - 1}"
    wanted = " or ".join(expected)
    return TemplateError(
        f"syntax error, unexpected {kind}, expecting {wanted} at line {line}, {columns}", line
    )
