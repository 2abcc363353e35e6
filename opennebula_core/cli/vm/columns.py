"""The columns of ``onevm list``."""

from __future__ import annotations

import time
from xml.etree.ElementTree import Element

from opennebula_core.cli.columns import KIB_PER_MIB, Column, figure, number, size, text
from opennebula_core.cli.kinds import VM
from opennebula_core.cli.listing import Listing
from opennebula_core.cli.quantities import bytes_text, period_text, size_text
from opennebula_core.cli.states import short_vm_state, state_words, vm_state, vm_state_names
from opennebula_core.model.states import LcmState, VmState

_ADDRESSES = ("IP", "IP6", "IP6_GLOBAL", "IP6_ULA", "MAC")


def memory_kib(item: Element) -> float:
    """Return the memory that a VM asks for."""
    return figure(item, "TEMPLATE/MEMORY") * KIB_PER_MIB


def lifetime_s(item: Element) -> float:
    """Return how long a VM has been there, or was."""
    return (figure(item, "ETIME") or time.time()) - figure(item, "STIME")


def hostname(item: Element) -> str:
    """Return where a VM is, or was last."""
    records = item.findall("HISTORY_RECORDS/HISTORY")
    return records[-1].findtext("HOSTNAME", "") if records else ""


def addresses(item: Element) -> str:
    """Return the addresses of a VM's NICs, of each the one that people use."""
    found = []
    for nic in item.iterfind("TEMPLATE/NIC"):
        address = next((nic.findtext(name) for name in _ADDRESSES if nic.findtext(name)), None)
        if address:
            found.append(address)
    return ",".join(found)


COLUMNS = (
    number("ID", "ID"),
    text("USER", "UNAME"),
    text("GROUP", "GNAME"),
    text("NAME", "NAME"),
    Column(
        "STAT", short_vm_state, words=lambda item: (vm_state(item), vm_state_names(item)[0]), also=("STATE",),
        choices=state_words(VmState, LcmState),
    ),
    number("CPU", "TEMPLATE/CPU"),
    Column(
        "MEM", lambda item: size_text(memory_kib(item)), memory_kib, also=("MEMORY",), is_numeric=True,
        raw=lambda item: bytes_text(memory_kib(item)),
    ),
    Column("HOST", hostname),
    Column("IP", addresses),
    Column(
        "TIME", lambda item: period_text(lifetime_s(item)), lifetime_s, is_numeric=True,
        raw=lambda item: str(max(int(lifetime_s(item)), 0)),
    ),
    Column("LCM_STATE", vm_state),
    number("UCPU", "MONITORING/CPU"),
    size("UMEM", "MONITORING/MEMORY"),
    text("MESSAGE", "USER_TEMPLATE/SCHED_MESSAGE"),
    text("ERROR", "USER_TEMPLATE/ERROR"),
)  # fmt: skip
LISTING = Listing(VM, COLUMNS, ("ID", "USER", "GROUP", "NAME", "STAT", "CPU", "MEM", "HOST", "IP", "TIME"))
TOP = Listing(VM, COLUMNS, ("ID", "USER", "NAME", "STAT", "CPU", "UCPU", "MEM", "UMEM", "HOST", "IP", "TIME"))
