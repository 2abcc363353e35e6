"""Columns of tables, and their layout on a terminal."""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.cli.quantities import bytes_text, date_text, iso_text, size_text

KIB_PER_MIB: Final = 1024
ELLIPSIS: Final = "…"
MIN_WIDTH: Final = 6
"""Columns of words are not shortened further than this."""
UNLIMITED: Final = 1 << 30

Read = Callable[[Element], str]


def _no_words(item: Element) -> Iterable[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table of objects.

    :param read: the text of a cell
    :param number: what ``<`` and ``>`` compare, and sorting goes by; None for the text itself
    :param words: further texts that a filter may name the cell by, such as a state's full name
    :param also: other names of the column in filters
    :param is_numeric: whether it is aligned to the right and never shortened
    :param raw: the cell for programs, where that is another text: bytes, seconds, ISO 8601
    :param choices: the words that a cell may be or be called; none where it may be any
    :param is_size: whether ``number`` counts KiB
    :param width: how wide it is, whatever is in it; None for as wide as its cells, where there is room
    :param is_whole: whether it is never shortened to fit the terminal
    """

    name: str
    read: Read
    number: Callable[[Element], float] | None = None
    words: Callable[[Element], Iterable[str]] = _no_words
    also: tuple[str, ...] = ()
    is_numeric: bool = False
    raw: Read | None = None
    choices: tuple[str, ...] = ()
    is_size: bool = False
    width: int | None = None
    is_whole: bool = False

    def plain(self, item: Element) -> str:
        """Return the cell for programs: sizes in bytes, periods in seconds, moments in ISO 8601."""
        return (self.raw or self.read)(item)

    def is_called(self, name: str) -> bool:
        """Return whether a person means this column."""
        return name.upper() in (self.name, *self.also)


def text(name: str, path: str, *, also: tuple[str, ...] = ()) -> Column:
    """Return a column of the texts at a path."""
    return Column(name, lambda item: item.findtext(path) or "", also=also)


def number(name: str, path: str, *, also: tuple[str, ...] = ()) -> Column:
    """Return a column of the numbers at a path."""
    return Column(
        name,
        lambda item: item.findtext(path) or "0",
        number=lambda item: figure(item, path),
        also=also,
        is_numeric=True,
    )


def size(name: str, path: str, *, kib: int = 1, also: tuple[str, ...] = ()) -> Column:
    """Return a column of sizes; nothing at the path, or 0, is shown as ``-``.

    :param kib: what one unit of the number at the path is
    """

    def read(item: Element) -> str:
        found = figure(item, path)
        return size_text(found * kib) if found else "-"

    def raw(item: Element) -> str:
        return bytes_text(figure(item, path) * kib) if item.findtext(path) else ""

    return Column(
        name, read, lambda item: figure(item, path) * kib, also=also, is_numeric=True, raw=raw, is_size=True
    )


def date(name: str, path: str) -> Column:
    """Return a column of moments."""
    return Column(
        name,
        lambda item: date_text(int(figure(item, path))),
        lambda item: figure(item, path),
        raw=lambda item: iso_text(int(figure(item, path))),
    )


def figure(item: Element, path: str) -> float:
    """Return the number at a path, 0 when there is none."""
    try:
        return float(item.findtext(path) or 0)
    except ValueError:
        return 0.0


def terminal_width() -> int:
    """Return the columns of the terminal; output that goes elsewhere is not limited."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS"):
        return shutil.get_terminal_size().columns
    return UNLIMITED


def lay_out(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, header: bool = True) -> list[str]:
    """Return the lines of a table, shortened to the terminal where that is possible."""
    shown = [[printable(cell) for cell in row] for row in rows]
    if header:
        shown.insert(0, [column.name for column in columns])
    natural = [max((_width(row[i]) for row in shown), default=0) for i in range(len(columns))]
    widths = _fitted(columns, natural, terminal_width() - len(columns) + 1)
    return [
        " ".join(
            _cell(cell, width, column) for cell, width, column in zip(row, widths, columns, strict=True)
        ).rstrip()
        for row in shown
    ]


def plain_table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table of words."""
    columns = [Column(name, lambda item: "") for name in names]
    return lay_out(columns, rows)


def _fitted(columns: Sequence[Column], natural: list[int], room: int) -> list[int]:
    """Return widths that fit: the widest columns of words give way first."""
    widths = [column.width or found for column, found in zip(columns, natural, strict=True)]
    fixed = {i for i, column in enumerate(columns) if column.is_numeric or column.is_whole or column.width}
    flexible = [i for i in range(len(columns)) if i not in fixed]
    while sum(widths) > room:
        widest = max(flexible, key=lambda i: widths[i], default=-1)
        if widest < 0 or widths[widest] <= MIN_WIDTH:
            break
        widths[widest] -= 1
    return widths


def _cell(cell: str, width: int, column: Column) -> str:
    if _width(cell) > width:
        cell = _shortened(cell, width)
    padding = " " * (width - _width(cell))
    return padding + cell if column.is_numeric else cell + padding


def _shortened(cell: str, width: int) -> str:
    while cell and _width(cell) > width - 1:
        cell = cell[:-1]
    return cell + ELLIPSIS


def printable(cell: str) -> str:
    """Return the text without what would move the terminal's cursor: names may be anybody's."""
    return "".join(char if char.isprintable() else "?" for char in cell)


def _width(cell: str) -> int:
    if cell.isascii():
        return len(cell)
    return sum(_char_width(char) for char in cell)


def _char_width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
