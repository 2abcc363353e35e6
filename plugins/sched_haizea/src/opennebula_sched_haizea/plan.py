"""One round of lease management: what is taken from now on, and what can be given in between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from opennebula_core.contracts.scheduler import Decision, PendingVm, Round, Unplaced
from opennebula_sched_haizea.leases import Lease
from opennebula_sched_haizea.mapper import Assignment, Candidates, earliest_assignment, map_lease
from opennebula_sched_haizea.occupancy import occupied_table
from opennebula_sched_haizea.reservations import Reservations, annotation
from opennebula_sched_haizea.rules import Backfilling, Rules
from opennebula_sched_haizea.slottable import FOREVER, Slot
from opennebula_sched_haizea.terms import Terms

DUE_S: Final = 0.05
"""What is due within this time is due now: clocks and time-outs are not more exact."""

Place = Callable[[PendingVm, Slot], Iterator[Decision]]
"""Yields the decision that starts a VM on the slot's host."""


class Plan:
    """The slot table of one round, and the answers to requests that come from it.

    Whatever is decided is entered at once, so that the next request sees it.

    :param candidates: the hosts that a VM may go to
    :param place: starts a VM
    :param started: slots of VMs that this round has started, which the collected cloud does not show yet
    """

    def __init__(
        self,
        round: Round,
        rules: Rules,
        reservations: Reservations,
        candidates: Candidates,
        place: Place,
        started: Iterable[Slot],
    ) -> None:
        self.now_s = round.now.timestamp()
        self.table = occupied_table(round.cloud, rules, self.now_s)
        self.wakeups_s: list[float] = []
        """Instants at which something of this plan is due."""
        self._round = round
        self._rules = rules
        self._reservations = reservations
        self._candidates = candidates
        self._place = place
        self.table.add_all(started)

    def keep_promises(self, leases: Iterable[Lease]) -> Iterator[Decision]:
        """Enter what was promised, before anything else is given; what is due starts."""
        for lease in leases:
            slots = self.promised_slots(lease)
            if not all(self._is_sound(vm, slot) for vm, slot in zip(lease.vms, slots, strict=True)):
                self._reservations.drop(vm.id for vm in lease.vms)
                yield from self.reserve(lease)
                continue
            self._reservations.accept(lease.vms, slots)
            yield from self._reserved(lease, slots)

    def promised_slots(self, lease: Lease) -> list[Slot]:
        """Return what was promised to the VMs of a lease, in their order."""
        slots = (self._reservations.of(vm, lease.terms) for vm in lease.vms)
        return [slot for slot in slots if slot is not None]

    def reserve(self, lease: Lease) -> Iterator[Decision]:
        """Promise a new reservation its time, or say when it could be had."""
        start_s, end_s = lease.terms.start_s, lease.terms.start_s + lease.terms.duration_s
        if start_s < self.now_s - DUE_S:
            yield from _told(
                lease, f"The reservation's start, {clock(start_s)}, has passed; ask for a later one"
            )
            return
        found = map_lease(
            lease, self.table, self._candidates, start_s - self._rules.lead_s, self._until(end_s)
        )
        if found is None:
            after_s = max(self.now_s, start_s) - self._rules.lead_s
            could_be = self._what_could_be(lease, after_s)
            yield from _told(lease, f"The reservation for {clock(start_s)} cannot be given; {could_be}")
            return
        slots = [replace(slot, start_s=start_s, end_s=end_s) for slot in _in_order(lease, found.slots)]
        self._reservations.accept(lease.vms, slots)
        yield from map(annotation, slots)
        yield from self._reserved(lease, slots)

    def start_now(self, lease: Lease) -> Iterator[Decision]:
        """Start an immediate lease, or say when it could."""
        found = self._startable(lease)
        if found is None:
            could_be = self._what_could_be(lease, self.now_s)
            yield from _told(lease, f"No room for the lease now; {could_be}")
            return
        yield from self._start(lease, found)

    def serve_queue(self, queue: Sequence[Lease]) -> Iterator[Decision]:
        """Start best-effort leases, first come first served, without touching what was promised."""
        first: Lease | None = None
        planned = 0
        for place, lease in enumerate(queue):
            found = self._startable(lease)
            if found is not None:
                yield from self._start(lease, found)
                continue
            if first is not None and planned >= self._rules.planned_ahead:
                yield from _told(lease, f"Queued behind VM {first.id}")
                continue
            future = self._earliest(lease, self.now_s)
            if future is None:  # as things stand it never starts: no reason to hold up the others
                yield from _told(lease, f"Cannot start the lease; {self._what_could_be(lease, self.now_s)}")
                continue
            first = first or lease
            planned += 1
            self.wakeups_s.append(future.start_s)
            self.table.add_all(future.slots)
            yield from _told(lease, f"Queued; the earliest possible start is {clock(future.start_s)}")
            if self._rules.backfilling is Backfilling.OFF:
                yield from self._behind(queue[place + 1 :], lease)
                return

    def _behind(self, rest: Iterable[Lease], first: Lease) -> Iterator[Decision]:
        for lease in rest:
            yield from _told(lease, f"Queued behind VM {first.id}")

    def _until(self, end_s: float) -> float:
        """Return when the room of a lease that ends then can be used again."""
        return end_s + self._rules.ending_s

    def _length_s(self, terms: Terms) -> float:
        return self._until(terms.duration_s)

    def _is_sound(self, vm: PendingVm, slot: Slot) -> bool:
        """Whether a promise can be kept: its host is still one of the VM's, and nobody sits there by hand.

        Once it is due it is started, elsewhere if need be, rather than asked for again.
        """
        begin_s = slot.start_s - self._rules.lead_s
        if begin_s <= self.now_s + DUE_S:
            return slot.end_s > self.now_s
        room = self.table.room(slot.host_id, begin_s, self._until(slot.end_s))
        return slot.host_id in self._candidates(vm) and slot.amount.fits_into(room)

    def hold(self, slots: Iterable[Slot]) -> None:
        """Enter promised slots, with the time to start before and the time to end behind them."""
        for slot in slots:
            self.table.add(
                replace(slot, start_s=slot.start_s - self._rules.lead_s, end_s=self._until(slot.end_s))
            )

    def _reserved(self, lease: Lease, slots: Sequence[Slot]) -> Iterator[Decision]:
        """Enter accepted slots and say when they begin; start the VMs if it is time."""
        deploy_s = slots[0].start_s - self._rules.lead_s
        if self.now_s >= deploy_s - DUE_S:
            for vm, slot in zip(lease.vms, slots, strict=True):
                yield from self._start_reserved(lease, vm, slot)
            return
        self.hold(slots)
        self.wakeups_s.append(deploy_s)
        for slot in slots:
            span = f"from {clock(slot.start_s)} to {clock(slot.end_s)}"
            yield Unplaced(slot.vm_id, f"Reserved {span} on host {slot.host_id}")

    def _start_reserved(self, lease: Lease, vm: PendingVm, slot: Slot) -> Iterator[Decision]:
        """Start a VM on its host; when that is not free yet, on another that is, else wait for it."""
        if slot.host_id in self._free_candidates(vm):
            yield from self._begin(vm, slot)
            return
        alone = Lease((vm,), lease.terms)
        elsewhere = map_lease(alone, self.table, self._free_candidates, self.now_s, self._until(slot.end_s))
        if elsewhere is not None:
            yield from self._begin(vm, replace(slot, host_id=elsewhere.slots[0].host_id))
            return
        self.hold((slot,))
        since = clock(slot.start_s)
        yield Unplaced(vm.id, f"Reserved since {since}; waits until host {slot.host_id} is free")

    def _startable(self, lease: Lease) -> Assignment | None:
        """Return where a lease can start now and stay for its whole duration."""
        return map_lease(
            lease, self.table, self._free_candidates, self.now_s, self.now_s + self._length_s(lease.terms)
        )

    def _start(self, lease: Lease, found: Assignment) -> Iterator[Decision]:
        for vm, slot in zip(lease.vms, _in_order(lease, found.slots), strict=True):
            yield from self._begin(vm, slot)

    def _begin(self, vm: PendingVm, slot: Slot) -> Iterator[Decision]:
        self.table.add(replace(slot, start_s=self.now_s))
        yield from self._place(vm, slot)

    def _free_candidates(self, vm: PendingVm) -> dict[int, float]:
        """Return the hosts that have the room by their own account too, and did not refuse the VM."""
        hosts = ((self._round.hosts[host_id], rank) for host_id, rank in self._candidates(vm).items())
        return {
            host.id: rank
            for host, rank in hosts
            if self._round.fits(vm, host)
            and not self._round.is_refused(vm, host)
            and self._round.is_open(host)
        }

    def _earliest(self, lease: Lease, after_s: float) -> Assignment | None:
        return earliest_assignment(lease, self.table, self._candidates, after_s, self._length_s(lease.terms))

    def _what_could_be(self, lease: Lease, after_s: float) -> str:
        """Return what a lease that cannot be given could get instead."""
        without_host = [vm.id for vm in lease.vms if not self._candidates(vm)]
        if without_host:
            return (
                f"no enabled host meets the requirements of VM {without_host[0]} and may be used by its owner"
            )
        if map_lease(lease, self.table.without_slots(), self._candidates, 0.0, 1.0) is None:
            return "it asks for more than the hosts have at all"
        length_s = self._length_s(lease.terms) + self._rules.lead_s
        found = earliest_assignment(lease, self.table, self._candidates, after_s, length_s)
        if found is None:
            return "no possible start can be told, for the VMs in its way have no end"
        return f"the earliest possible start is {clock(found.start_s + self._rules.lead_s)}"


def _in_order(lease: Lease, slots: Iterable[Slot]) -> list[Slot]:
    by_vm = {slot.vm_id: slot for slot in slots}
    return [by_vm[vm.id] for vm in lease.vms]


def _told(lease: Lease, message: str) -> Iterator[Decision]:
    for vm in lease.vms:
        yield Unplaced(vm.id, message)


def clock(instant_s: float) -> str:
    """Return an instant as people read it, in local time."""
    if instant_s == FOREVER:
        return "no end"
    return datetime.fromtimestamp(instant_s).astimezone().strftime("%Y-%m-%d %H:%M:%S")
