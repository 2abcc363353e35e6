"""``onevm show``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.cli.application import Application
from opennebula_core.cli.columns import KIB_PER_MIB, Column, figure, number, size, text
from opennebula_core.cli.quantities import date_text, moment_text, period_text, size_text
from opennebula_core.cli.showing import attributes, identity, permissions, section, table, yes_no
from opennebula_core.cli.snapshot_tree import print_snapshots
from opennebula_core.cli.states import short_name, vm_state_names
from opennebula_core.cli.vm.columns import hostname
from opennebula_core.model.schedules import Repeat
from opennebula_core.model.states import HistoryAction

_BYTES_PER_KIB: Final = 1024


def _moment(name: str, path: str) -> Column:
    return Column(name, lambda item: moment_text(int(figure(item, path))))


def _period(name: str, start: str, end: str) -> Column:
    def read(item: Element) -> str:
        begun, ended = figure(item, start), figure(item, end)
        return period_text(ended - begun) if begun and ended else "-"

    return Column(name, read, is_numeric=True)


def _disk_type(item: Element) -> str:
    return (item.findtext("TYPE") or "").lower() or "-"


def _image(item: Element) -> str:
    return item.findtext("IMAGE") or f"{item.findtext('FORMAT') or 'raw'}, volatile"


_DISKS: Final = (
    number("ID", "DISK_ID"),
    text("DATASTORE", "DATASTORE"),
    text("TARGET", "TARGET"),
    Column("IMAGE", _image),
    size("SIZE", "SIZE", kib=KIB_PER_MIB),
    Column("TYPE", _disk_type),
    Column("SAVE", lambda item: "YES" if item.findtext("SAVE") == "YES" else "NO"),
)  # fmt: skip
_NICS: Final = (
    number("ID", "NIC_ID"),
    text("NETWORK", "NETWORK"),
    text("BRIDGE", "BRIDGE"),
    text("IP", "IP"),
    text("IP6", "IP6_GLOBAL"),
    text("MAC", "MAC"),
    text("VN_MAD", "VN_MAD"),
)
_HISTORY: Final = (
    number("SEQ", "SEQ"),
    text("HOST", "HOSTNAME"),
    Column("ACTION", lambda item: short_name(HistoryAction, item.findtext("ACTION"))),
    number("DS", "DS_ID"),
    _moment("START", "STIME"),
    _period("TIME", "STIME", "ETIME"),
    _period("PROLOG", "PSTIME", "PETIME"),
)
_ACTIONS: Final = (
    number("ID", "ID"),
    text("ACTION", "ACTION"),
    text("ARGS", "ARGS"),
    Column("TIME", lambda item: date_text(int(figure(item, "TIME")))),
    Column("REPEAT", lambda item: _repeat(item)),
    Column("END", lambda item: _end(item)),
    Column("DONE", lambda item: date_text(int(figure(item, "DONE")))),
    text("MESSAGE", "MESSAGE"),
)
_SNAPSHOTS: Final = (number("ID", "SNAPSHOT_ID"), text("NAME", "NAME"), _moment("TIME", "TIME"))
_SHOWN_ELSEWHERE: Final = ("DISK", "NIC", "SCHED_ACTION", "SNAPSHOT")


def _repeat(item: Element) -> str:
    kind = item.findtext("REPEAT")
    return f"{short_name(Repeat, kind)} {item.findtext('DAYS')}" if kind else "-"


def _end(item: Element) -> str:
    value = item.findtext("END_VALUE") or "0"
    match item.findtext("END_TYPE"):
        case "1":
            return f"after {value} times"
        case "2":
            return date_text(int(value))
        case _:
            return "-"


def describe_all(application: Application, item: Element) -> None:
    """Print a VM for people, its whole template included."""
    _describe(item, without=())


def describe(application: Application, item: Element) -> None:
    """Print a VM for people."""
    _describe(item, without=_SHOWN_ELSEWHERE)


def _describe(item: Element, without: Sequence[str]) -> None:
    state, lcm_state = vm_state_names(item)
    section(
        f"virtual machine {item.findtext('ID')} information",
        [
            *identity(item),
            ("STATE", state),
            ("LCM_STATE", lcm_state),
            ("RESCHED", yes_no(item.findtext("RESCHED"))),
            ("HOST", hostname(item)),
            ("START TIME", date_text(int(figure(item, "STIME")))),
            ("END TIME", date_text(int(figure(item, "ETIME")))),
            ("DEPLOY ID", item.findtext("DEPLOY_ID") or "-"),
        ],
    )
    _monitoring(item)
    permissions(item)
    table("vm disks", _DISKS, item.findall("TEMPLATE/DISK"))
    table("vm nics", _NICS, item.findall("TEMPLATE/NIC"))
    table("snapshots", _SNAPSHOTS, item.findall("TEMPLATE/SNAPSHOT"))
    for disk in item.findall("SNAPSHOTS"):
        print_snapshots(f"snapshots of disk {disk.findtext('DISK_ID')}", disk)
    table("scheduled actions", _ACTIONS, item.findall("TEMPLATE/SCHED_ACTION"))
    table("virtual machine history", _HISTORY, item.findall("HISTORY_RECORDS/HISTORY"))
    attributes("user template", item.find("USER_TEMPLATE"))
    attributes("virtual machine template", item.find("TEMPLATE"), without=without)


def _monitoring(item: Element) -> None:
    figures = item.find("MONITORING")
    if figures is None or not len(figures):
        return
    facts = [
        ("CPU", f"{figure(figures, 'CPU'):.1f}"),
        ("MEMORY", size_text(figure(figures, "MEMORY"))),
        ("NETRX", size_text(figure(figures, "NETRX") / _BYTES_PER_KIB)),
        ("NETTX", size_text(figure(figures, "NETTX") / _BYTES_PER_KIB)),
        ("LAST POLL", date_text(int(figure(item, "LAST_POLL")))),
    ]
    section("virtual machine monitoring", facts)
