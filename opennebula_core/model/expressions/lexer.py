"""Tokens of expressions. Source: OpenNebula 6.10; note that ``A-5`` is ``A`` and ``-5``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from opennebula_core.errors import ExpressionError

MAX_DEPTH: Final = 100
"""Deeper nested expressions are refused; evaluation is recursive."""

_BLANKS = re.compile(r"[ \t\r\n]*+")
_TOKEN = re.compile(
    r'(?P<number>-?[0-9]+(?:\.[0-9]+)?)|(?P<word>[A-Za-z][0-9A-Za-z_]*)|"(?P<quoted>[^"]*)"|(?P<sign>[@!&|=><()*+/^-])'
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word of an expression.

    :param kind: ``number``, ``text``, ``end``, or the sign itself
    :param column: 1-based, of its first character; ``end_column`` of its last
    """

    kind: str
    text: str
    column: int
    end_column: int


class TokenStream:
    """The tokens of a text, one after the other, with a look at the next.

    :raises ExpressionError: the text holds a character that belongs to no token
    """

    def __init__(self, text: str) -> None:
        self._tokens = _tokenize(text)
        self._position = 0

    @property
    def next(self) -> Token:
        """The token that :meth:`take` will return."""
        return self._tokens[self._position]

    def take(self) -> Token:
        """Return the next token and go on; the end is returned for ever."""
        token = self._tokens[self._position]
        if token.kind != "end":
            self._position += 1
        return token

    def take_if(self, *kinds: str) -> Token | None:
        """Return the next token and go on if it is of one of these kinds, else None."""
        return self.take() if self.next.kind in kinds else None

    def expect(self, kind: str) -> Token:
        """Return the next token, which must be of this kind, and go on."""
        if self.next.kind != kind:
            raise self.unexpected(kind)
        return self.take()

    def unexpected(self, *expected: str) -> ExpressionError:
        """Return the error of the next token standing where one of ``expected`` should."""
        token = self.next
        found = {"end": "end of expression", "text": repr(token.text)}.get(token.kind, token.text)
        return ExpressionError(
            f"syntax error, unexpected {found}, expecting {' or '.join(expected)} "
            f"at columns {token.column}:{token.end_column}",
            token.column,
        )

    def check_depth(self, depth: int) -> int:
        """Return ``depth``.

        :raises ExpressionError: it is beyond MAX_DEPTH
        """
        if depth > MAX_DEPTH:
            column = self.next.column
            raise ExpressionError(
                f"nested more than {MAX_DEPTH} deep at column {column}; simplify it", column
            )
        return depth


def _tokenize(text: str) -> list[Token]:
    tokens: list[Token] = []
    offset = _skip_blanks(text, 0)
    while offset < len(text):
        match = _TOKEN.match(text, offset)
        if match is None:
            raise ExpressionError(f"unexpected {text[offset]!r} at column {offset + 1}", offset + 1)
        kind = match.lastgroup or ""
        word = match[kind]
        name = {"number": "number", "word": "text", "quoted": "text"}.get(kind, word)
        tokens.append(Token(name, word, offset + 1, match.end()))
        offset = _skip_blanks(text, match.end())
    tokens.append(Token("end", "", len(text) + 1, len(text) + 1))
    return tokens


def _skip_blanks(text: str, offset: int) -> int:
    match = _BLANKS.match(text, offset)
    return match.end() if match else offset
