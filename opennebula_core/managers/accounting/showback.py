"""What VMs cost, by month.

Processors and memory cost while the guest runs, disks as long as the VM is on a host. Prices are the
template's CPU_COST (per core and hour), MEMORY_COST (per MB and hour) and DISK_COST (per MB and hour), or the
configured ones.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from opennebula_core.config.settings import ShowbackSettings
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.errors import ParameterError
from opennebula_core.model.expressions.requirement import read_number
from opennebula_core.model.template import Template

OPEN = -1
_HOUR_S = 3600.0
_STAYS = """SELECT vm_id, stime, etime, running_stime, running_etime, cpu_percent, memory_mib FROM history
    WHERE stime < ? AND (etime = 0 OR etime > ?) ORDER BY vm_id"""
_VMS = "SELECT id, name, uid, gid, uname, gname, template FROM vm WHERE id IN (SELECT vm_id FROM history)"
_FORGET = "DELETE FROM showback WHERE year = ? AND month = ?"
_KEEP = "INSERT INTO showback VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Month(NamedTuple):
    """A month of the front-end's local time."""

    year: int
    month: int

    @property
    def start(self) -> int:
        """The first second, epoch."""
        return int(time.mktime((self.year, self.month, 1, 0, 0, 0, 0, 0, -1)))

    @property
    def following(self) -> Month:
        """The month after."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @classmethod
    def of(cls, epoch_s: int) -> Month:
        """Return the month in which a second lies."""
        local = time.localtime(epoch_s)
        return cls(local.tm_year, local.tm_mon)


def month_of(year: int, month: int, otherwise: Month) -> Month:
    """Return the month of a client's numbers, ``otherwise`` when either is -1.

    :raises ParameterError: there is no such month
    """
    if OPEN in (year, month):
        return otherwise
    if not 1 <= month <= 12 or not 1970 <= year <= 9999:
        raise ParameterError(f"Wrong month {month} of year {year}; use 1 to 12 of 1970 to 9999, or -1")
    return Month(year, month)


@dataclass(slots=True)
class Cost:
    """What one VM has cost in one month.

    :param hours: on hosts
    :param running_hours: with a running guest
    """

    cpu: float = 0.0
    memory: float = 0.0
    disk: float = 0.0
    hours: float = 0.0
    running_hours: float = 0.0


@dataclass(frozen=True, slots=True)
class PricedVm:
    """A VM with its owner, its prices for an hour and its disks."""

    row: tuple[int, str, int, int, str, str]
    per_core: float
    per_mib: float
    for_disks: float

    @classmethod
    def of(
        cls, row: tuple[int, str, int, int, str, str], template: Template, default: ShowbackSettings
    ) -> PricedVm:
        """Return the VM of a row with the prices of its template."""
        disks_mib = sum(_figure(disk.get("SIZE", ""), 0.0) for disk in template.vectors("DISK"))
        return cls(
            row,
            _figure(template.get("CPU_COST"), default.cpu_cost),
            _figure(template.get("MEMORY_COST"), default.memory_cost),
            _figure(template.get("DISK_COST"), default.disk_cost) * disks_mib,
        )


def _figure(text: str, otherwise: float) -> float:
    number = read_number(text)
    return otherwise if number is None else number


Costs = dict[Month, list[tuple[PricedVm, Cost]]]


def costs_of(tx: Snapshot, first: Month, last: Month, default: ShowbackSettings) -> Costs:
    """Return what each VM has cost in each month that has come, the current one up to now.

    It begins with the first stay of any VM, however long ago ``first`` is.
    """
    now, first = tx.now, max(first, first_month(tx))
    end = min(last.following.start, now)
    stays = defaultdict(list)
    for vm_id, *stay in tx.query(_STAYS, (end, first.start)):
        stays[vm_id].append(stay)
    vms = {
        row[0]: PricedVm.of(row[:6], Template.from_json(row[6]), default)
        for row in tx.query(_VMS)
        if row[0] in stays
    }
    found: Costs = {month: [] for month in _months(first, last, now)}
    for month, costs in found.items():
        begin, limit = month.start, min(month.following.start, now)
        for vm_id, vm in vms.items():
            cost = _cost(vm, stays[vm_id], begin, limit)
            if cost.hours:
                costs.append((vm, cost))
    return found


def _months(first: Month, last: Month, now: int) -> Iterator[Month]:
    month = first
    while month <= last and month.start < now:
        yield month
        month = month.following


def _cost(vm: PricedVm, stays: Iterable[list[int]], begin: int, limit: int) -> Cost:
    cost = Cost()
    for stime, etime, running_stime, running_etime, cpu_percent, memory_mib in stays:
        hours = _overlap_h(stime, etime, begin, limit)
        running = _overlap_h(running_stime, running_etime or etime, begin, limit) if running_stime else 0.0
        cost.hours += hours
        cost.running_hours += running
        cost.cpu += running * vm.per_core * cpu_percent / 100
        cost.memory += running * vm.per_mib * memory_mib
        cost.disk += hours * vm.for_disks
    return cost


def _overlap_h(start: int, end: int, begin: int, limit: int) -> float:
    """Return the hours of a time, without end when that is 0, that lie in a month."""
    return max(min(end or limit, limit) - max(start, begin), 0) / _HOUR_S


def keep_costs(tx: Transaction, month: Month, costs: Iterable[tuple[PricedVm, Cost]]) -> None:
    """Write a month's costs in place of those that were calculated before."""
    tx.execute(_FORGET, (month.year, month.month))
    tx.execute_many(
        _KEEP,
        (
            (
                vm.row[0],
                month.year,
                month.month,
                *vm.row[1:],
                cost.cpu,
                cost.memory,
                cost.disk,
                cost.hours,
                cost.running_hours,
            )
            for vm, cost in costs
        ),
    )


def first_month(tx: Snapshot) -> Month:
    """Return the month of the first stay of any VM, the current one when there was none."""
    return Month.of(tx.value("SELECT MIN(stime) FROM history") or tx.now)
