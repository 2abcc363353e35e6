"""The words by which people name objects: ids, names, ranges and lists of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application
from opennebula_core.cli.kinds import Kind
from opennebula_core.errors import OpenNebulaError

MAX_RANGE: Final = 100_000
MAX_SHOWN: Final = 10
_RANGE = re.compile(r"(\d+)\.\.(\d+)")


class SelectionError(OpenNebulaError):
    """A word names no object, or more than one."""


@dataclass(frozen=True, slots=True)
class Selected:
    """What one word selects: an id, or why it selects nothing."""

    word: str
    object_id: int = -1
    error: str = ""


class Finder:
    """Finds the ids behind the words of one command; a pool is listed once, and only when names are used."""

    def __init__(self, application: Application, kind: Kind) -> None:
        self._application = application
        self._kind = kind
        self._pool: list[Element] | None = None

    def one(self, word: str) -> int:
        """Return the id of the only object that the word means.

        :raises SelectionError: there is none, or more than one
        """
        return int(word) if _is_id(word) else self._by_name(word)

    def is_several(self, word: str) -> bool:
        """Return whether a word is a range or a list, so that it may mean several objects."""
        return bool(_RANGE.fullmatch(word)) or ("," in word and not self._has_name(word))

    def many(self, words: Iterable[str]) -> Iterator[Selected]:
        """Return what the words select, one after the other; what cannot be found does not stop the rest."""
        for word in words:
            yield from self._of_word(word)

    def _of_word(self, word: str) -> Iterator[Selected]:
        if "," in word and not self._has_name(word):
            yield from self.many(part for part in word.split(",") if part)
        elif found := _RANGE.fullmatch(word):
            yield from (Selected(str(number), number) for number in _range(word, *map(int, found.groups())))
        else:
            try:
                yield Selected(word, self.one(word))
            except SelectionError as error:
                yield Selected(word, error=str(error))

    def _has_name(self, word: str) -> bool:
        """Return whether an object's name has this comma in it."""
        if all(_is_id(part) or _RANGE.fullmatch(part) for part in word.split(",")):
            return False
        return any(name == word for name, _ in self._names())

    def _elements(self) -> list[Element]:
        if self._pool is None:
            document = self._kind.list(self._application.client)
            self._pool = document.findall(self._kind.element)
        return self._pool

    def _names(self) -> Iterator[tuple[str, Element]]:
        return ((element.findtext("NAME", ""), element) for element in self._elements())

    def _by_name(self, word: str) -> int:
        matching = [element for name, element in self._names() if name == word]
        if len(matching) == 1:
            return int(matching[0].findtext("ID", "-1"))
        if matching:
            owners = ", ".join(
                f"{element.findtext('ID')} of {element.findtext('UNAME') or 'nobody'}" for element in matching
            )
            raise SelectionError(
                f"{self._kind.title} {word!r}: {len(matching)} have that name ({owners}); use the id"
            )
        raise SelectionError(self._unknown(word))

    def _unknown(self, word: str) -> str:
        names = sorted({name for name, _ in self._names()})
        if not names:
            return (
                f"{self._kind.title} {word!r}: there is none of that name; there are no {self._kind.title}s"
            )
        near = get_close_matches(word, names, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {_shown(names)}"
        return f"{self._kind.title} {word!r}: there is none of that name; {hint}"


def _is_id(word: str) -> bool:
    return word.isascii() and word.isdigit()


def _range(word: str, first: int, last: int) -> range:
    if last < first or last - first >= MAX_RANGE:
        raise click.BadParameter(f"range {word!r}: write FIRST..LAST, of at most {MAX_RANGE} ids")
    return range(first, last + 1)


def _shown(names: list[str]) -> str:
    more = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
    return ", ".join(names[:MAX_SHOWN]) + more
