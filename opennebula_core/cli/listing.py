"""The command ``list``, the same for every kind: columns, filters, formats."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.column_meanings import MEANINGS
from opennebula_core.cli.columns import Column, lay_out, number, plain_table, text
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
from opennebula_core.cli.presentation import Presentation, presentation_of, presentation_options
from opennebula_core.cli.watching import delay_option, repeat

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
    """What the user wants to see of a listing.

    :param any_filter: whether one of the filters is enough
    """

    output: str = TABLE
    columns: str | None = None
    filters: Sequence[str] = field(default_factory=tuple)
    header: bool = True
    sort: str | None = None
    any_filter: bool = False
    presentation: Presentation = field(default_factory=Presentation)


def view_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that make a :class:`View`."""
    for option in (
        click.option("--sort", metavar="COLUMN", help="Sort by a column; -COLUMN from the highest down."),
        presentation_options,
        click.option("--no-header", is_flag=True, help="Leave the names of the columns out."),
        click.option(
            "-f", "--filter", "filters", metavar="CONDITION", multiple=True,
            help="Only what meets COLUMN=WORD, !=, ~ (regular expression), !~, <, >, <=, >=; "
                 "several, separated by commas, have all to be met.",
        ),
        click.option(
            "--operator", type=click.Choice(("AND", "OR"), case_sensitive=False), default="AND",
            help="Whether all filters have to be met, or one of them.",
        ),
        click.option("-l", "--list", "columns", metavar="COLUMNS", help="Columns to show, in this order."),
        format_options(JSON, YAML, XML, CSV),
    ):  # fmt: skip
        function = option(function)
    return function


def listing_options(listing: Listing) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that adds the options of every ``list``: those of a view, and how to draw it."""

    def describe(context: click.Context, option: click.Parameter, is_wanted: bool) -> None:
        if is_wanted and not context.resilient_parsing:
            rows = [(column.name, MEANINGS[column.name]) for column in listing.columns]
            click.echo("\n".join(plain_table(("COLUMN", "MEANING"), rows)))
            context.exit()

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        function = click.option(
            "--describe", is_flag=True, is_eager=True, expose_value=False, callback=describe,
            help="Say what the columns mean, and end.",
        )(function)  # fmt: skip
        function = delay_option(function)
        function = click.option("--watch", is_flag=True, help="List again and again, until Ctrl-C.")(function)
        return view_options(function)

    return decorate


def add_list_command(group: click.Group, listing: Listing) -> None:
    """Add ``list`` to a group of commands."""
    names = ", ".join(column.name for column in listing.columns)
    whose = listing.kind.filters is not None

    @pass_application
    def run(application: Application, /, whose: str | None = None, **options: Any) -> None:
        flag = filter_flag(application, whose) if whose else EVERYTHING_USABLE
        present(listing, lambda: listing.kind.list(application.client, flag), options)

    function: Callable[..., None] = listing_options(listing)(run)
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
        any_filter=options["operator"] == "OR",
        presentation=presentation_of(options),
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


def present(listing: Listing, fetch: Callable[[], Element], options: dict[str, Any]) -> None:
    """Print a pool as the options of :func:`listing_options` want it: once, or again and again.

    :param fetch: returns the pool as it is now
    """
    view, is_watched = view_of(options), options["watch"] or options["delay"] is not None
    if not is_watched:
        print_listing(listing, fetch(), view)
        return

    def draw() -> None:
        pool = fetch()
        if view.output == TABLE:
            count, now = len(pool.findall(listing.kind.element)), time.strftime("%H:%M:%S")
            click.echo(f"{now}  {count} {listing.kind.title}s, Ctrl-C ends")
        print_listing(listing, pool, view)

    repeat(draw, options["delay"])


def print_listing(listing: Listing, pool: Element, view: View) -> None:
    """Print a pool in the form that the user wants."""
    conditions = parse_filters(view.filters, listing.columns)
    enough = any if view.any_filter else all
    entries = [
        entry
        for entry in _entries(pool, listing.kind)
        if not conditions or enough(condition.holds(entry.shown) for condition in conditions)
    ]
    if view.sort:
        _sort(entries, find_column(view.sort.removeprefix("-"), listing.columns), view.sort.startswith("-"))
    if view.output in DOCUMENTS:
        is_whole = not (conditions or view.sort)
        print_document(pool if is_whole else _selected(pool, entries), view.output)
        return
    columns = view.presentation.of(listing.chosen(view.columns), listing.columns)
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
