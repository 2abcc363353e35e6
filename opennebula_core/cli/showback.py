"""``oneshowback``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from opennebula_core.cli.application import Application, command_group, pass_application
from opennebula_core.cli.columns import Column, figure, number, text
from opennebula_core.cli.kinds import GROUP, USER, Kind
from opennebula_core.cli.listing import Listing, print_listing, view_of, view_options
from opennebula_core.cli.moments import MonthWord
from opennebula_core.cli.ownership import filter_flag
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.words import ObjectWord

showback = command_group("showback", "What VMs have cost, by month.")

_OPEN = (-1, -1)
_RECORD = Kind("record", "one.vmpool", "one.vmpool.showback", "SHOWBACK", (*_OPEN, *_OPEN))


def _money(name: str, path: str) -> Column:
    return Column(
        name, lambda item: f"{figure(item, path):.2f}", lambda item: figure(item, path), is_numeric=True
    )


COLUMNS = (
    number("USER_ID", "UID"),
    text("USER_NAME", "UNAME"),
    number("GROUP_ID", "GID"),
    text("GROUP_NAME", "GNAME"),
    number("VM_ID", "VMID"),
    text("VM_NAME", "VMNAME"),
    number("MONTH", "MONTH"),
    number("YEAR", "YEAR"),
    _money("HOURS", "HOURS"),
    _money("RUNNING", "RHOURS"),
    _money("CPU_COST", "CPU_COST"),
    _money("MEMORY_COST", "MEMORY_COST"),
    _money("DISK_COST", "DISK_COST"),
    _money("COST", "TOTAL_COST"),
)
LISTING = Listing(
    _RECORD,
    COLUMNS,
    ("USER_NAME", "GROUP_NAME", "VM_ID", "VM_NAME", "MONTH", "YEAR", "HOURS", "RUNNING", "COST"),
)


def _month_options(function: Callable[..., None]) -> Callable[..., None]:
    end = click.option("-e", "--end", type=MonthWord(), default=_OPEN, help="Last month, as in 2026-11.")
    start = click.option("-s", "--start", type=MonthWord(), default=_OPEN, help="First month.")
    return start(end(function))


@showback.command("list")
@_month_options
@click.option("-u", "--user", "--userfilter", metavar="USER", type=ObjectWord(USER), help="Of one user.")
@click.option("-g", "--group", metavar="GROUP", type=ObjectWord(GROUP), help="Of one group.")
@view_options
@pass_application
def list_records(
    application: Application,
    /,
    start: tuple[int, int],
    end: tuple[int, int],
    user: str | None,
    group: str | None,
    **options: Any,
) -> None:
    """List the costs as they were calculated last, see `oneshowback calculate`."""
    flag = filter_flag(application, user) if user else -2
    pool = application.client.element(_RECORD.pool, flag, *start, *end)
    if group:
        group_id = str(Finder(application, GROUP).one(group))
        for record in pool.findall(_RECORD.element):
            if record.findtext("GID") != group_id:
                pool.remove(record)
    print_listing(LISTING, pool, view_of(options))


@showback.command()
@_month_options
@pass_application
def calculate(application: Application, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Calculate the costs of some months, all unless told; administrators only."""
    application.client.call("one.vmpool.calculateshowback", *start, *end)
    click.echo("calculated; next: oneshowback list")
