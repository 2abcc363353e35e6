"""Accepted reservations: kept in memory, and in the VMs' user templates for the time after a restart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from opennebula_core.contracts.scheduler import Annotation, PendingVm
from opennebula_sched_haizea.leases import Lease, amount_of
from opennebula_sched_haizea.slottable import Slot

ATTRIBUTE: Final = "HAIZEA_LEASE"


class Reservations:
    """The slots that were promised to VMs which have not started yet."""

    def __init__(self) -> None:
        self._slots: dict[int, Slot] = {}

    def accept(self, slots: Iterable[Slot]) -> None:
        """Promise the slots."""
        self._slots.update((slot.vm_id, slot) for slot in slots)

    def drop(self, vm_ids: Iterable[int]) -> None:
        """Take back what was promised to these VMs."""
        for vm_id in vm_ids:
            self._slots.pop(vm_id, None)

    def keep_only(self, vm_ids: Iterable[int]) -> None:
        """Forget VMs that no longer wait: they have started, or are gone."""
        self.drop(set(self._slots) - set(vm_ids))

    def of(self, lease: Lease) -> tuple[Slot, ...]:
        """Return what was promised to the lease, one slot a VM; nothing if its terms are others now."""
        slots = tuple(slot for vm in lease.vms if (slot := self._slot(vm, lease)))
        return slots if len(slots) == len(lease.vms) else ()

    def _slot(self, vm: PendingVm, lease: Lease) -> Slot | None:
        slot = self._slots.get(vm.id) or _written(vm)
        if slot is None or amount_of(vm) != slot.amount:
            return None
        end_s = lease.terms.start_s + lease.terms.duration_s
        return slot if (slot.start_s, slot.end_s) == (lease.terms.start_s, end_s) else None


def annotation(slot: Slot) -> Annotation:
    """Return the decision that writes the promise into the VM's user template."""
    text = (
        f'{ATTRIBUTE} = [ START = "{slot.start_s:.0f}", END = "{slot.end_s:.0f}", HOST = "{slot.host_id}" ]'
    )
    return Annotation(slot.vm_id, text)


def _written(vm: PendingVm) -> Slot | None:
    """Return the promise that an earlier life of the scheduler wrote, None when there is none to be read."""
    vector = vm.user_template.vector(ATTRIBUTE)
    if vector is None:
        return None
    try:
        return Slot(vm.id, int(vector["HOST"]), float(vector["START"]), float(vector["END"]), amount_of(vm))
    except (KeyError, ValueError):  # users can write there too
        return None
