"""``oneacct``."""

from __future__ import annotations

import time
from collections import defaultdict
from xml.etree.ElementTree import Element

import click

from opennebula_core.cli.application import CONTEXT, Application, pass_application
from opennebula_core.cli.columns import KIB_PER_MIB, Column, date, figure, number, size, text
from opennebula_core.cli.documents import TABLE
from opennebula_core.cli.kinds import GROUP, HOST, USER, Kind
from opennebula_core.cli.listing import Listing, print_listing, view_of, view_options
from opennebula_core.cli.moments import Moment
from opennebula_core.cli.ownership import filter_flag
from opennebula_core.cli.quantities import bytes_text, size_text
from opennebula_core.cli.selection import Finder
from opennebula_core.cli.words import ObjectWord
from opennebula_core.model.states import HistoryAction

_OPEN = -1
_RECORD = Kind("record", "one.vmpool", "one.vmpool.accounting", "HISTORY", (_OPEN, _OPEN))


def _action(item: Element) -> str:
    try:
        return HistoryAction(int(figure(item, "ACTION"))).short
    except ValueError:  # of a newer server
        return item.findtext("ACTION", "")


def _running_s(item: Element) -> float:
    """Return how long the guest has run in the stay."""
    started = figure(item, "RSTIME")
    ended = figure(item, "RETIME") or figure(item, "ETIME") or time.time()
    return max(ended - started, 0) if started else 0.0


def _seconds(item: Element) -> str:
    return f"{_running_s(item):.0f}"


def _disk_kib(item: Element) -> float:
    return sum(figure(disk, "SIZE") for disk in item.iterfind("VM/TEMPLATE/DISK")) * KIB_PER_MIB


COLUMNS = (
    number("UID", "VM/UID"),
    text("USER", "VM/UNAME"),
    number("GID", "VM/GID"),
    text("GROUP", "VM/GNAME"),
    number("VID", "OID"),
    text("NAME", "VM/NAME"),
    number("SEQ", "SEQ"),
    text("HOSTNAME", "HOSTNAME", also=("HOST",)),
    Column("ACTION", _action),
    date("START_TIME", "STIME"),
    date("END_TIME", "ETIME"),
    size("MEMORY", "VM/TEMPLATE/MEMORY", kib=KIB_PER_MIB),
    number("CPU", "VM/TEMPLATE/CPU"),
    Column(
        "RUNNING", lambda item: f"{_running_s(item) / 3600:.2f}h", _running_s, is_numeric=True, raw=_seconds
    ),
    Column(
        "DISK",
        lambda item: size_text(_disk_kib(item)),
        _disk_kib,
        is_numeric=True,
        raw=lambda item: bytes_text(_disk_kib(item)),
    ),
)
LISTING = Listing(
    _RECORD,
    COLUMNS,
    ("USER", "VID", "HOSTNAME", "ACTION", "START_TIME", "END_TIME", "MEMORY", "CPU", "RUNNING", "DISK"),
)


@click.command(context_settings=CONTEXT)
@click.option("-s", "--start", type=Moment(), default=_OPEN, help="Records that are not over before this.")
@click.option("-e", "--end", type=Moment(at_end=True), default=_OPEN, help="Records begun by then.")
@click.option(
    "-u", "--user", "--userfilter", metavar="USER", type=ObjectWord(USER), help="Of one user's VMs."
)
@click.option("-g", "--group", metavar="GROUP", type=ObjectWord(GROUP), help="Of one group's VMs.")
@click.option("-H", "--host", metavar="HOST", type=ObjectWord(HOST), help="On one host.")
@click.option("--split", is_flag=True, help="A table for each VM.")
@view_options
@pass_application
def acct(
    application: Application,
    /,
    start: int,
    end: int,
    user: str | None,
    group: str | None,
    host: str | None,
    split: bool,
    **options: object,
) -> None:
    """Show who used what: the stays of VMs on hosts, with the time their guests ran.

    Times are local, as in 2026-11-24 or '2026-11-24 10:30'; a day as the end means its last second.
    """
    flag = filter_flag(application, user) if user else -2
    pool = application.client.element(_RECORD.pool, flag, start, end)
    if group:
        _keep(pool, "VM/GID", Finder(application, GROUP).one(group))
    if host:
        _keep(pool, "HID", Finder(application, HOST).one(host))
    view = view_of(options)
    if not split or view.output != TABLE:
        print_listing(LISTING, pool, view)
        return
    for vm_id, records in _by_vm(pool).items():
        click.echo(f"# VM {vm_id} {records[0].findtext('VM/NAME', '')}")
        part = Element(pool.tag)
        part.extend(records)
        print_listing(LISTING, part, view)
        click.echo()


def _keep(pool: Element, path: str, object_id: int) -> None:
    for record in pool.findall(_RECORD.element):
        if record.findtext(path) != str(object_id):
            pool.remove(record)


def _by_vm(pool: Element) -> dict[str, list[Element]]:
    found: dict[str, list[Element]] = defaultdict(list)
    for record in pool.iterfind(_RECORD.element):
        found[record.findtext("OID", "")].append(record)
    return found
