"""The command ``monitoring``: the figures of an object that are kept, one row for each look at it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.columns import Column, date, figure, terminal_width
from opennebula_core.cli.documents import CSV, JSON, TABLE, XML, YAML, format_options
from opennebula_core.cli.kinds import Kind
from opennebula_core.cli.listing import Listing, View, print_listing
from opennebula_core.cli.moments import Moment
from opennebula_core.cli.plots import plot
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.words import ObjectWord

_TIME: Final = date("TIME", "TIMESTAMP")
_TIME_PATH: Final = "TIMESTAMP"
MAX_PLOT_WIDTH: Final = 100
"""Wider plots show nothing more; into a file or a pipe there would be no limit."""
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
    @click.option("--plot", "is_plot", is_flag=True, help="Draw each figure over time.")
    @format_options(JSON, YAML, XML, CSV)
    @pass_application
    def monitoring(
        application: Application,
        /,
        word: str,
        figures: tuple[str, ...],
        output: str,
        is_plot: bool,
        **limits: Any,
    ) -> None:
        if is_plot and output != TABLE:
            raise click.UsageError(f"--plot and --{output} exclude each other: choose one")
        found = application.client.element(samples.pool, Finder(application, kind).one(word))
        pool = _within(found, limits["start"], limits["end"])
        columns = (_TIME, *(_column(name.upper()) for name in figures or usual))
        if figures:
            _require(pool, [name.upper() for name in figures])
        if is_plot:
            _draw(columns[1:], pool.findall(samples.element))
            return
        listing = Listing(samples, columns, tuple(column.name for column in columns))
        print_listing(listing, pool, View(output=output))


def _draw(columns: Sequence[Column], samples: Sequence[Element]) -> None:
    """Print one plot for each column; samples that lack the figure leave a gap."""
    width = min(terminal_width(), MAX_PLOT_WIDTH)
    for column in columns:
        known = [item for item in samples if column.plain(item)]
        points = [(int(figure(item, _TIME_PATH)), _value(column.plain(item))) for item in known]
        click.echo("\n".join([*plot(column.name, points, width), ""]))


def _value(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


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
