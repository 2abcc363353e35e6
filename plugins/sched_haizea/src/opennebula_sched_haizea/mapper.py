"""The greedy mapper: which VM of a lease goes to which host, for a whole interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from opennebula_core.contracts.scheduler import PendingVm
from opennebula_sched_haizea.leases import Lease, amount_of
from opennebula_sched_haizea.slottable import FOREVER, Amount, Slot, SlotTable

MANY_SLOTS: Final = 4
"""From this many VMs on, how many more a host has makes no difference to its score. Source: Haizea 1.0."""

Candidates = Callable[[PendingVm], Mapping[int, float]]
"""Gives the hosts that a VM may go to, whenever they have room: id -> rank."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where and when a lease runs.

    :param slots: one for each VM of the lease
    """

    slots: tuple[Slot, ...]
    start_s: float
    end_s: float


def map_lease(
    lease: Lease, table: SlotTable, candidates: Candidates, start_s: float, end_s: float
) -> Assignment | None:
    """Return a host for each VM of the lease, free for the whole interval; None when there are not enough.

    VMs in descending order of size, each on the first host with room, hosts in descending order of the VM's
    rank, then of the score of Haizea's greedy selection, then by id.
    """
    taken: dict[int, Amount] = {}
    slots: list[Slot] = []
    scores: dict[int, float] = {}
    for vm in _by_size(lease):
        amount = amount_of(vm)
        ranks = candidates(vm)
        for host_id in ranks:
            if host_id not in scores:
                scores[host_id] = host_score(table, host_id, start_s, end_s)
        for host_id in sorted(ranks, key=lambda item: (-ranks[item], -scores[item], item)):
            need = amount.plus(taken.get(host_id, Amount()))
            if need.fits_into(table.room(host_id, start_s, end_s)):
                taken[host_id] = need
                slots.append(Slot(vm.id, host_id, start_s, end_s, amount))
                break
        else:
            return None
    return Assignment(tuple(slots), start_s, end_s)


def earliest_assignment(
    lease: Lease, table: SlotTable, candidates: Candidates, after_s: float, length_s: float
) -> Assignment | None:
    """Return the first assignment at or after an instant; None when there is none as things stand.

    :param length_s: for how long the hosts are needed
    """
    alone_s = [_earliest_alone_s(vm, table, candidates, after_s, length_s) for vm in lease.vms]
    bound_s = max(alone_s)  # together they start no sooner than the last of them could alone
    if bound_s == FOREVER:
        return None
    for start_s in (bound_s, *table.ends_s(bound_s)):
        assignment = map_lease(lease, table, candidates, start_s, start_s + length_s)
        if assignment is not None:
            return assignment
    return None


def _earliest_alone_s(
    vm: PendingVm, table: SlotTable, candidates: Candidates, after_s: float, length_s: float
) -> float:
    """Return when one VM could start if there were no others; FOREVER when it could not.

    Room on a host appears only where a slot on it ends, so these are the instants to try.
    """
    amount = amount_of(vm)
    best_s = FOREVER
    for host_id in candidates(vm):
        for start_s in (after_s, *table.host_ends_s(host_id, after_s)):
            if start_s >= best_s:
                break
            if amount.fits_into(table.room(host_id, start_s, start_s + length_s)):
                best_s = start_s
                break
    return best_s


def host_score(table: SlotTable, host_id: int, start_s: float, end_s: float) -> float:
    """Return how much a host is wanted, 0.25 to 1: few VMs, and free for long. Source: Haizea 1.0."""
    busy = min(MANY_SLOTS, table.slots_at(host_id, start_s))
    free_s = table.next_start_s(host_id, start_s) - start_s
    long = 1.0 if free_s >= end_s - start_s else free_s / (end_s - start_s)
    return 0.5 * (MANY_SLOTS - busy) / MANY_SLOTS + 0.25 + 0.25 * long


def _by_size(lease: Lease) -> list[PendingVm]:
    largest_cpu = max(vm.cpu_percent for vm in lease.vms) or 1
    largest_memory = max(vm.memory_kib for vm in lease.vms) or 1
    return sorted(
        lease.vms,
        key=lambda vm: (-(vm.cpu_percent / largest_cpu + vm.memory_kib / largest_memory), vm.id),
    )
