"""``onevm list``."""

from __future__ import annotations

from typing import Any, Final

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.kinds import EVERYTHING_USABLE, NOT_DONE, VM
from opennebula_core.cli.listing import listing_options, present
from opennebula_core.cli.ownership import filter_flag
from opennebula_core.cli.vm.columns import LISTING
from opennebula_core.model.states import VmState

EXTENDED_POOL: Final = "one.vmpool.infoextended"


@click.command(
    "list",
    help="List the VMs that are not DONE. Those of: all (a), me (m), me and my groups (g), or a user.\n\n"
    f"Columns: {', '.join(column.name for column in LISTING.columns)}.",
)
@click.argument("whose", required=False, metavar="[a|m|g|USER]")
@click.option("--done", is_flag=True, help="List the VMs that are DONE.")
@click.option(
    "--search",
    default="",
    metavar="QUERY",
    help="Only VMs that hold something, found by the front-end: 'NAME=web&TEMPLATE.NIC.IP=10.0.0.7'.",
)
@click.option("-e", "--extended", is_flag=True, help="Have documents be complete, as those of show.")
@listing_options(LISTING)
@pass_application
def list_vms(
    application: Application,
    /,
    whose: str | None,
    done: bool,
    search: str,
    extended: bool,
    **options: Any,
) -> None:
    """List VMs."""
    flag = filter_flag(application, whose) if whose else EVERYTHING_USABLE
    pool = EXTENDED_POOL if extended else VM.pool
    filters = (flag, -1, -1, int(VmState.DONE) if done else NOT_DONE, search)
    present(LISTING, lambda: application.client.element(pool, *filters), options)
