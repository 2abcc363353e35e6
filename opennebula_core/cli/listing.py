"""The command ``list``, the same for every kind: columns, filters, formats."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.columns import Column, lay_out, number, text
from opennebula_core.cli.documents import (
    CSV,
    DOCUMENTS,
    JSON,
    TABLE,
    XML,
    YAML,
    format_options,
    print_document,
)
from opennebula_core.cli.filters import find_column, parse_filters
from opennebula_core.cli.kinds import EVERYTHING_USABLE, Kind
from opennebula_core.cli.ownership import filter_flag

QUOTAS = "QUOTAS"
OWNED = (number("ID", "ID"), text("USER", "UNAME"), text("GROUP", "GNAME"), text("NAME", "NAME"))
"""The first columns of every kind that has an owner."""


@dataclass(frozen=True, slots=True)
class Listing:
    """How a kind is listed.

    :param columns: all columns that there are, by the names that ``--list`` takes
    :param shown: the names of those that are shown unless ``--list`` says otherwise
    :param numbers: numbers that the pool's document does not have are put into each object here
    """

    kind: Kind
    columns: Sequence[Column]
    shown: tuple[str, ...]

    def chosen(self, names: str | None) -> list[Column]:
        """Return the columns that a comma list names, or the usual ones."""
        words = names.split(",") if names else self.shown
        return [find_column(word.strip(), self.columns) for word in words]


@dataclass(frozen=True, slots=True)
class View:
    """What the user wants to see of a listing."""

    output: str = TABLE
    columns: str | None = None
    filters: Sequence[str] = field(default_factory=tuple)
    header: bool = True
    sort: str | None = None


def view_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that make a :class:`View`."""
    for option in (
        click.option("--sort", metavar="COLUMN", help="Sort by a column; -COLUMN from the highest down."),
        click.option("--no-header", is_flag=True, help="Leave the names of the columns out."),
        click.option(
            "-f", "--filter", "filters", metavar="CONDITION", multiple=True,
            help="Only what meets COLUMN=WORD, !=, ~ (regular expression), !~, <, >, <=, >=; "
                 "several, separated by commas, have all to be met.",
        ),
        click.option("-l", "--list", "columns", metavar="COLUMNS", help="Columns to show, in this order."),
        format_options(JSON, YAML, XML, CSV),
    ):  # fmt: skip
        function = option(function)
    return function


def add_list_command(group: click.Group, listing: Listing) -> None:
    """Add ``list`` to a group of commands."""
    names = ", ".join(column.name for column in listing.columns)
    whose = listing.kind.filters is not None

    @pass_application
    def run(application: Application, /, whose: str | None = None, **options: object) -> None:
        flag = filter_flag(application, whose) if whose else EVERYTHING_USABLE
        print_listing(listing, listing.kind.list(application.client, flag), view_of(options))

    function: Callable[..., None] = view_options(run)
    if whose:
        function = click.argument("whose", required=False, metavar="[a|m|g|USER]")(function)
    which = " Those of: all (a), me (m), me and my groups (g), or a user." if whose else ""
    group.command("list", help=f"List {listing.kind.title}s.{which}\n\nColumns: {names}.")(function)


def view_of(options: dict[str, object]) -> View:
    """Return the view that the options of :func:`view_options` describe."""
    filters = options["filters"]
    assert isinstance(filters, tuple)
    return View(
        output=str(options["output"]),
        columns=_text(options["columns"]),
        filters=filters,
        header=not options["no_header"],
        sort=_text(options["sort"]),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of a pool.

    :param shown: what columns read: the object, with its quotas where the pool lists those beside it
    """

    item: Element
    quotas: Element | None
    shown: Element


def _entries(pool: Element, kind: Kind) -> Iterator[Entry]:
    quotas = {quota.findtext("ID"): quota for quota in pool.iterfind(QUOTAS)}
    for item in pool.iterfind(kind.element):
        own = quotas.get(item.findtext("ID"))
        shown = item
        if own is not None:
            shown = Element(item.tag)
            shown.extend((*item, *own))
        yield Entry(item, own, shown)


def print_listing(listing: Listing, pool: Element, view: View) -> None:
    """Print a pool in the form that the user wants."""
    conditions = parse_filters(view.filters, listing.columns)
    entries = [
        entry
        for entry in _entries(pool, listing.kind)
        if all(condition.holds(entry.shown) for condition in conditions)
    ]
    if view.sort:
        _sort(entries, find_column(view.sort.removeprefix("-"), listing.columns), view.sort.startswith("-"))
    if view.output in DOCUMENTS:
        is_whole = not (conditions or view.sort)
        print_document(pool if is_whole else _selected(pool, entries), view.output)
        return
    columns = listing.chosen(view.columns)
    if view.output == CSV:
        cells = [[column.plain(entry.shown) for column in columns] for entry in entries]
        click.echo(_csv(columns, cells, header=view.header), nl=False)
        return
    rows = [[column.read(entry.shown) for column in columns] for entry in entries]
    for line in lay_out(columns, rows, header=view.header):
        click.echo(line)


def _sort(entries: list[Entry], column: Column, descending: bool) -> None:
    number = column.number
    if number is not None:
        entries.sort(key=lambda entry: number(entry.shown), reverse=descending)
    else:
        entries.sort(key=lambda entry: column.read(entry.shown), reverse=descending)


def _selected(pool: Element, entries: Iterable[Entry]) -> Element:
    """Return the pool with these objects only."""
    kept = Element(pool.tag)
    for entry in entries:
        kept.append(entry.item)
        if entry.quotas is not None:
            kept.append(entry.quotas)
    return kept


def _csv(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, header: bool) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow([column.name for column in columns])
    writer.writerows(rows)
    return text.getvalue()
