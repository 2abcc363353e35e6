"""Filter expressions of listings, such as ``STAT=runn,NAME~web``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.columns import Column
from opennebula_core.cli.quantities import kib_of

_CONDITION = re.compile(r"\s*([A-Za-z_]+)\s*(!=|!~|<=|>=|=|~|<|>)\s*(.*?)\s*")
_NEXT = re.compile(r",(?=\s*[A-Za-z_]+\s*(?:!=|!~|[<>]=?|=|~))")


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a column with a word."""

    column: Column
    operator: str
    word: str

    def holds(self, item: Element) -> bool:
        """Return whether the object meets it."""
        if self.operator in ("=", "!="):
            return any(text.casefold() == self.word.casefold() for text in self._texts(item)) == (
                self.operator == "="
            )
        if self.operator in ("~", "!~"):
            pattern = re.compile(self.word, re.IGNORECASE)
            return any(pattern.search(text) for text in self._texts(item)) == (self.operator == "~")
        return self._compares(item)

    def _texts(self, item: Element) -> list[str]:
        return [self.column.read(item), *self.column.words(item)]

    def _compares(self, item: Element) -> bool:
        if self.column.number is None:
            left: float | str = self.column.read(item)
            right: float | str = self.word
        else:
            left, right = self.column.number(item), _number(self.word)
        # Both sides are of one type.
        if self.operator.startswith("<"):
            return left < right or (self.operator == "<=" and left == right)  # type: ignore[operator]
        return left > right or (self.operator == ">=" and left == right)  # type: ignore[operator]


def parse_filters(texts: Sequence[str], columns: Sequence[Column]) -> list[Condition]:
    """Return the conditions, all of which an object has to meet.

    :raises click.BadParameter: a text is no condition, or names no column
    """
    return [_condition(part, columns) for text in texts for part in _NEXT.split(text)]


def _condition(text: str, columns: Sequence[Column]) -> Condition:
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise click.BadParameter(
            f"{text!r} is no condition; write COLUMN=WORD, or with !=, ~ (a pattern), !~, <, >, <=, >="
        )
    name, operator, word = found.groups()
    column = find_column(name, columns)
    try:
        if "~" in operator:
            re.compile(word)
        elif operator in ("=", "!="):
            _check_choice(column, text, word)
        elif operator[0] in "<>" and column.number is not None:
            _number(word)
    except (re.error, ValueError) as error:
        raise click.BadParameter(f"{text!r}: {error}") from None
    return Condition(column, operator, word)


def find_column(name: str, columns: Sequence[Column]) -> Column:
    """Return the column of that name.

    :raises click.BadParameter: there is none
    """
    for column in columns:
        if column.is_called(name):
            return column
    names = [column.name for column in columns]
    meant = get_close_matches(name.upper(), names, 1)
    hint = f"did you mean {meant[0]}? " if meant else ""
    raise click.BadParameter(f"no column {name!r}; {hint}there are {', '.join(names)}")


def _check_choice(column: Column, text: str, word: str) -> None:
    """Refuse a word that no cell of the column can be: the listing would be empty for a misspelt state."""
    known = {choice.casefold() for choice in column.choices}
    if not known or word.casefold() in known:
        return
    meant = [choice for choice in column.choices if choice.casefold().startswith(word.casefold())]
    meant = (
        meant
        or get_close_matches(word.upper(), column.choices, 1)
        or get_close_matches(word.lower(), column.choices, 1)
    )
    hint = f"did you mean {meant[0]!r}? " if word and meant else ""
    short = [choice for choice in column.choices if choice.islower()] or list(column.choices)
    raise click.BadParameter(
        f"{text!r}: {column.name} is never {word!r}; {hint}there are {', '.join(short)}, and their full names"
    )


def _number(word: str) -> float:
    """Return a plain number as it is, a size in KiB."""
    try:
        return float(word)
    except ValueError:
        return kib_of(word)
