"""The command ``top``: a listing that is drawn again and again."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.listing import Listing, View, print_listing, view_of, view_options

DEFAULT_DELAY_S = 3.0
Fetch = Callable[[Application], Element]


def add_top_command(group: click.Group, listing: Listing) -> None:
    """Add ``top`` to a group."""

    @group.command("top", help=f"List {listing.kind.title}s again and again, until Ctrl-C.")
    @click.option("--once", is_flag=True, help="Draw the list once.")
    @click.option(
        "-d", "--delay", type=click.FloatRange(min=0.2), default=DEFAULT_DELAY_S, show_default=True,
        metavar="SECONDS", help="Time between two drawings.",
    )  # fmt: skip
    @view_options
    @pass_application
    def top(application: Application, /, once: bool, delay: float, **options: object) -> None:
        view = view_of(options)
        while True:
            _draw(listing, listing.kind.list(application.client), view, is_screen=not once)
            if once:
                return
            try:
                time.sleep(delay)
            except KeyboardInterrupt:
                return


def _draw(listing: Listing, pool: Element, view: View, *, is_screen: bool) -> None:
    if is_screen and sys.stdout.isatty():
        click.clear()
    if is_screen:
        click.echo(f"{time.strftime('%H:%M:%S')}  {len(pool.findall(listing.kind.element))} "
                   f"{listing.kind.title}s, Ctrl-C ends")  # fmt: skip
    print_listing(listing, pool, view)
