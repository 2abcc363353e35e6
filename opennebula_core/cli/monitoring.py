"""The command ``monitoring``: the figures of an object that are kept, one row for each look at it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.columns import Column, date, figure
from opennebula_core.cli.documents import CSV, JSON, XML, YAML, format_options
from opennebula_core.cli.kinds import Kind
from opennebula_core.cli.listing import Listing, View, print_listing
from opennebula_core.cli.moments import Moment
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.words import ObjectWord

_TIME: Final = date("TIME", "TIMESTAMP")
_NOT_FIGURES: Final = ("TIMESTAMP", "ID")


def add_monitoring_command(group: click.Group, kind: Kind, usual: Sequence[str]) -> None:
    """Add ``monitoring`` to a group.

    :param usual: the figures that are shown when none is named
    """
    samples = Kind("sample", kind.prefix, f"{kind.prefix}.monitoring", "MONITORING", None)
    text = (
        f"Print the figures of a {kind.title} that are kept, from the oldest on.\n\n"
        f"Usual figures: {', '.join(usual)}; others may be named as they were measured."
    )

    @group.command("monitoring", help=text)
    @click.argument("word", metavar=kind.word, type=ObjectWord(kind))
    @click.argument("figures", nargs=-1, metavar="[FIGURE]...")
    @click.option("-s", "--start", type=Moment(), help="From this time on, such as '2026-11-24 10:30'.")
    @click.option("-e", "--end", type=Moment(at_end=True), help="Until this time.")
    @format_options(JSON, YAML, XML, CSV)
    @pass_application
    def monitoring(
        application: Application, /, word: str, figures: tuple[str, ...], output: str, **limits: Any
    ) -> None:
        found = application.client.element(samples.pool, Finder(application, kind).one(word))
        pool = _within(found, limits["start"], limits["end"])
        columns = (_TIME, *(_column(name.upper()) for name in figures or usual))
        if figures:
            _require(pool, [name.upper() for name in figures])
        listing = Listing(samples, columns, tuple(column.name for column in columns))
        print_listing(listing, pool, View(output=output))


def _within(pool: Element, start: int | None, end: int | None) -> Element:
    """Return the pool with the samples of a time only."""
    kept = Element(pool.tag)
    kept.extend(
        item
        for item in pool
        if (start or 0) <= figure(item, "TIMESTAMP") <= (end if end is not None else float("inf"))
    )
    return kept


def _column(name: str) -> Column:
    """Return the column of a figure, wherever in a sample it is."""

    def read(item: Element) -> str:
        return next((found.text or "" for found in item.iter(name)), "-")

    def raw(item: Element) -> str:
        return next((found.text or "" for found in item.iter(name)), "")

    return Column(name, read, is_numeric=True, raw=raw)


def _require(pool: Element, names: Sequence[str]) -> None:
    """Refuse figures that no sample has: a column of nothing would be shown for a misspelt one.

    :raises click.BadParameter: one is none
    """
    known = {leaf.tag for item in pool for leaf in item.iter() if not len(leaf)} - set(_NOT_FIGURES)
    for name in names:
        if known and name not in known:
            raise click.BadParameter(f"no figure {name!r}; there are {', '.join(sorted(known))}")
