"""``onevm list``."""

from __future__ import annotations

import click

from opennebula_core.cli.application import Application, pass_application
from opennebula_core.cli.kinds import EVERYTHING_USABLE, VM
from opennebula_core.cli.listing import print_listing, view_of, view_options
from opennebula_core.cli.ownership import filter_flag
from opennebula_core.cli.vm.columns import COLUMNS, LISTING
from opennebula_core.model.states import VmState


@click.command(
    "list",
    help="List the VMs that are not DONE. Those of: all (a), me (m), me and my groups (g), or a user.\n\n"
    f"Columns: {', '.join(column.name for column in COLUMNS)}.",
)
@click.argument("whose", required=False, metavar="[a|m|g|USER]")
@click.option("--done", is_flag=True, help="List the VMs that are DONE.")
@view_options
@pass_application
def list_vms(application: Application, /, whose: str | None, done: bool, **options: object) -> None:
    """List VMs."""
    flag = filter_flag(application, whose) if whose else EVERYTHING_USABLE
    filters = (-1, -1, int(VmState.DONE), "") if done else None
    print_listing(LISTING, VM.list(application.client, flag, filters), view_of(options))
