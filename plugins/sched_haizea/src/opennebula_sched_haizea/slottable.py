"""The slot table: what is taken of each host over time.

Times are epoch seconds; an interval holds its start and not its end; :data:`FOREVER` ends what has no end.
CPU is in percent (100 is a core), memory in KiB.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Final

FOREVER: Final = inf


@dataclass(frozen=True, slots=True)
class Amount:
    """Capacity of a host, or what a VM takes of it."""

    cpu_percent: int = 0
    memory_kib: int = 0

    def fits_into(self, room: Amount) -> bool:
        """Whether ``room`` has enough of both; what asks for nothing of a kind always fits."""
        return (self.cpu_percent <= 0 or self.cpu_percent <= room.cpu_percent) and (
            self.memory_kib <= 0 or self.memory_kib <= room.memory_kib
        )

    def plus(self, other: Amount) -> Amount:
        """Return the sum."""
        return Amount(self.cpu_percent + other.cpu_percent, self.memory_kib + other.memory_kib)

    def minus(self, other: Amount) -> Amount:
        """Return the difference; it may be negative."""
        return Amount(self.cpu_percent - other.cpu_percent, self.memory_kib - other.memory_kib)


@dataclass(frozen=True, slots=True)
class Slot:
    """A VM's stay on a host."""

    vm_id: int
    host_id: int
    start_s: float
    end_s: float
    amount: Amount


@dataclass(slots=True)
class _HostLine:
    """One host: its capacity and its slots in order of start."""

    capacity: Amount
    slots: list[tuple[float, int, Slot]] = field(default_factory=list)


class SlotTable:
    """Capacities of hosts and the slots on them."""

    def __init__(self) -> None:
        self._lines: dict[int, _HostLine] = {}
        self._count = 0

    def add_host(self, host_id: int, capacity: Amount) -> None:
        """Make a host known, empty."""
        self._lines[host_id] = _HostLine(capacity)

    def add(self, slot: Slot) -> None:
        """Enter a slot; whether it fits is not asked. One on an unknown host, or empty, takes nothing."""
        line = self._lines.get(slot.host_id)
        if line is None or slot.end_s <= slot.start_s:
            return
        self._count += 1  # slots of one start stay in order of entry, and are never compared
        insort(line.slots, (slot.start_s, self._count, slot))

    def room(self, host_id: int, start_s: float, end_s: float) -> Amount:
        """Return what is free on the host during the whole interval: the least of each kind."""
        line = self._lines.get(host_id)
        if line is None:
            return Amount()
        before_end = bisect_right(line.slots, (end_s, 0)) if end_s < FOREVER else len(line.slots)
        slots = [item[2] for item in line.slots[:before_end] if item[2].end_s > start_s]
        # What is taken only grows at the start of a slot, so these instants are all that matter.
        instants = {start_s, *(slot.start_s for slot in slots if slot.start_s > start_s)}
        least = line.capacity
        for instant_s in instants:
            left = line.capacity
            for slot in slots:
                if slot.start_s <= instant_s < slot.end_s:
                    left = left.minus(slot.amount)
            least = Amount(min(least.cpu_percent, left.cpu_percent), min(least.memory_kib, left.memory_kib))
        return least

    def slots_at(self, host_id: int, instant_s: float) -> int:
        """Return how many VMs hold something on the host at the instant."""
        line = self._lines.get(host_id)
        if line is None:
            return 0
        return sum(1 for _, _, slot in line.slots if slot.start_s <= instant_s < slot.end_s)

    def next_start_s(self, host_id: int, after_s: float) -> float:
        """Return when the next slot on the host begins; FOREVER when none does."""
        line = self._lines.get(host_id)
        starts_s = (start_s for start_s, _, _ in line.slots if start_s > after_s) if line else ()
        return min(starts_s, default=FOREVER)

    def host_ends_s(self, host_id: int, after_s: float) -> list[float]:
        """Return the instants behind ``after_s`` at which something becomes free on the host, in order."""
        line = self._lines.get(host_id)
        ends_s = {slot.end_s for _, _, slot in line.slots} if line else set()
        return sorted(end_s for end_s in ends_s if after_s < end_s < FOREVER)

    def ends_s(self, after_s: float) -> list[float]:
        """Return the instants behind ``after_s`` at which something becomes free anywhere, in order."""
        return sorted({end_s for host_id in self._lines for end_s in self.host_ends_s(host_id, after_s)})

    def without_slots(self) -> SlotTable:
        """Return the same hosts, empty: what could ever be had of them."""
        table = SlotTable()
        for host_id, line in self._lines.items():
            table.add_host(host_id, line.capacity)
        return table

    def add_all(self, slots: Iterable[Slot]) -> None:
        """Enter several slots."""
        for slot in slots:
            self.add(slot)
