"""How the cells of a listing look: ids in place of names, KiB in place of short sizes, widths of columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.columns import Column
from opennebula_core.cli.filters import find_column
from opennebula_core.cli.quantities import number_text

_IDS: Final = {"USER": "UID", "GROUP": "GID"}
"""Columns of names, and where the ids behind them are."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """How columns are shown.

    :param by_id: owners by their ids
    :param in_kib: sizes as numbers of KiB
    :param whole: names of columns that are never shortened
    :param widths: the width of columns, by name
    """

    by_id: bool = False
    in_kib: bool = False
    whole: tuple[str, ...] = ()
    widths: Mapping[str, int] = field(default_factory=dict)

    def of(self, columns: Sequence[Column], known: Sequence[Column]) -> list[Column]:
        """Return the columns as they are to be shown.

        :param known: all columns that the listing has
        :raises click.BadParameter: a name is no column's
        """
        whole = {find_column(name, known).name for name in self.whole}
        widths = {find_column(name, known).name: width for name, width in self.widths.items()}
        return [self._shown(column, column.name in whole, widths.get(column.name)) for column in columns]

    def _shown(self, column: Column, is_whole: bool, width: int | None) -> Column:
        number = column.number
        if self.in_kib and column.is_size and number is not None:
            column = replace(column, read=lambda item: number_text(round(number(item))))
        if self.by_id and column.name in _IDS:
            column = _by_id(column, _IDS[column.name])
        return replace(column, is_whole=is_whole, width=width)


def _by_id(column: Column, path: str) -> Column:
    """Return the column with ids; an object that has none, such as a sum, keeps its name."""

    def read(item: Element) -> str:
        return item.findtext(path) or column.read(item)

    return replace(column, read=read, raw=read)


def _names(context: click.Context, option: click.Parameter, value: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in value.split(",") if word.strip()) if value else ()


def _widths(context: click.Context, option: click.Parameter, value: str | None) -> dict[str, int]:
    widths = {}
    for name in _names(context, option, value):
        column, _, width = name.partition("=")
        if not width.isascii() or not width.isdecimal() or int(width) == 0:
            raise click.BadParameter(f"{name!r} is no width; write COLUMN=CHARACTERS, as in NAME=20")
        widths[column] = int(width)
    return widths


def presentation_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that make a :class:`Presentation`."""
    for option in (
        click.option("-n", "--numeric", is_flag=True, help="Show ids of users and groups, not their names."),
        click.option("-k", "--kilobytes", is_flag=True, help="Show sizes as numbers of KiB."),
        click.option(
            "--adjust", metavar="COLUMNS", callback=_names, help="Never shorten these columns to fit."
        ),
        click.option(
            "--size", "widths", metavar="COLUMN=CHARACTERS,...", callback=_widths,
            help="Make columns as wide as said.",
        ),
        click.option(
            "--no-expand", "--no-pager", is_flag=True, hidden=True, expose_value=False,
            help="As it is anyway: tables are no wider than what is in them, and go to no pager.",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


def presentation_of(options: Mapping[str, Any]) -> Presentation:
    """Return what the options of :func:`presentation_options` describe."""
    return Presentation(options["numeric"], options["kilobytes"], options["adjust"], options["widths"])
