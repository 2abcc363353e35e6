"""What a round of scheduling has put on a host, and the host's attributes with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from opennebula_core.contracts.matchmaking.views import HostView


@dataclass(slots=True)
class Booking:
    """What a round has put on one host."""

    cpu_percent: int = 0
    memory_kib: int = 0
    disk_mib: dict[int, int] = field(default_factory=dict)
    vm_ids: set[int] = field(default_factory=set)


class HostLookup:
    """A host's attributes with a round's bookings applied; callable as a :data:`Lookup`.

    What is booked counts as used at once: VMs of a burst are spread, or packed, by figures that move
    with each of them, although monitoring reports the real ones only later.
    """

    __slots__ = ("_booking", "_host")

    _ADDED = frozenset({"RUNNING_VMS", "CPU_USAGE", "MEM_USAGE", "USED_CPU", "USED_MEMORY"})
    _TAKEN = frozenset({"FREE_CPU", "FREE_MEMORY"})
    LIVE_NAMES = _ADDED | _TAKEN | {"CURRENT_VMS"}
    """Attributes that a booking changes."""

    def __init__(self, host: HostView, booking: Booking | None) -> None:
        self._host = host
        self._booking = booking

    def __call__(self, name: str) -> Sequence[str]:
        """Return all values of the attribute."""
        if name not in self.LIVE_NAMES:
            return self._host.attributes(name)
        if name == "CURRENT_VMS":
            booked = self._booking.vm_ids if self._booking else ()
            return [str(vm_id) for vm_id in (*self._host.vm_ids, *booked)]
        values = self._host.attributes(name)
        if self._booking is None or not values:
            return values
        change = self._change(name, self._booking)
        try:
            return [f"{float(values[0]) + (change if name in self._ADDED else -change):.0f}"]
        except ValueError:
            return values

    @staticmethod
    def _change(name: str, booking: Booking) -> int:
        if name == "RUNNING_VMS":
            return len(booking.vm_ids)
        return booking.memory_kib if "MEM" in name else booking.cpu_percent
