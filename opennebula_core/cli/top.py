"""The command ``top``: a listing that is drawn again and again."""

from __future__ import annotations

from typing import Any

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.listing import Listing, present, print_listing, view_of, view_options
from opennebula_core.cli.watching import delay_option


def add_top_command(group: click.Group, listing: Listing) -> None:
    """Add ``top`` to a group."""

    @group.command("top", help=f"List {listing.kind.title}s again and again, until Ctrl-C.")
    @click.option("--once", is_flag=True, help="Draw the list once.")
    @delay_option
    @view_options
    @pass_application
    def top(application: Application, /, once: bool, **options: Any) -> None:
        if once:
            print_listing(listing, listing.kind.list(application.client), view_of(options))
        else:
            present(listing, lambda: listing.kind.list(application.client), {**options, "watch": True})
