"""Accepted reservations: kept in memory, and in the VMs' user templates for the time after a restart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from opennebula_core.contracts.scheduler import Annotation, PendingVm
from opennebula_sched_haizea.leases import Lease, amount_of
from opennebula_sched_haizea.slottable import Slot
from opennebula_sched_haizea.terms import ATTRIBUTE as TERMS_ATTRIBUTE
from opennebula_sched_haizea.terms import LeaseKind, Terms

ATTRIBUTE: Final = "HAIZEA_LEASE"


class Reservations:
    """The slots that were promised to VMs which have not started yet."""

    def __init__(self) -> None:
        self._slots: dict[int, Slot] = {}
        self._asked: dict[int, Mapping[str, str]] = {}

    def accept(self, vms: Iterable[PendingVm], slots: Iterable[Slot]) -> None:
        """Promise the slots, one for each VM in order, on the terms that the VMs ask for now."""
        for vm, slot in zip(vms, slots, strict=True):
            self._slots[vm.id] = slot
            self._asked[vm.id] = _asked(vm)

    def drop(self, vm_ids: Iterable[int]) -> None:
        """Take back what was promised to these VMs."""
        for vm_id in vm_ids:
            self._slots.pop(vm_id, None)
            self._asked.pop(vm_id, None)

    def keep_only(self, vm_ids: Iterable[int]) -> None:
        """Forget VMs that no longer wait: they have started, or are gone."""
        self.drop(set(self._slots) - set(vm_ids))

    def split(self, lease: Lease) -> tuple[Lease | None, Lease | None]:
        """Return the VMs of a lease that have a promise, and the others, such as late members of a group."""
        promised = tuple(vm for vm in lease.vms if self.of(vm, lease.terms) is not None)
        others = tuple(vm for vm in lease.vms if vm not in promised)
        return (
            Lease(promised, lease.terms) if promised else None,
            Lease(others, lease.terms) if others else None,
        )

    def of(self, vm: PendingVm, terms: Terms) -> Slot | None:
        """Return what was promised to the VM; None if that was nothing, or it asks for something else now."""
        slot = self._slots.get(vm.id)
        if slot is not None:
            return slot if self._asked[vm.id] == _asked(vm) and amount_of(vm) == slot.amount else None
        slot = _written(vm)
        if slot is None or slot.end_s - slot.start_s != terms.duration_s:
            return None
        # The start of a group is that of its first VM, which may have gone ahead.
        return (
            slot
            if terms.kind is LeaseKind.ADVANCE and (terms.group or slot.start_s == terms.start_s)
            else None
        )


def _asked(vm: PendingVm) -> Mapping[str, str]:
    return dict(vm.user_template.vector(TERMS_ATTRIBUTE) or {})


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
