"""The policy ``haizea``: leases on the hosts of a cloud."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar, Final

from opennebula_core.contracts.driver import DriverContext, Option
from opennebula_core.contracts.matchmaking.board import Board
from opennebula_core.contracts.scheduler import (
    Decision,
    Filtered,
    HostView,
    Migration,
    PendingVm,
    Placement,
    Round,
    SchedulerPolicy,
    Unplaced,
    VmCommand,
)
from opennebula_sched_haizea.leases import Lease, amount_of, gather
from opennebula_sched_haizea.occupancy import is_over, lease_end_s, lease_terms
from opennebula_sched_haizea.plan import DUE_S, Plan
from opennebula_sched_haizea.reservations import Reservations
from opennebula_sched_haizea.rules import END_RETRY_S, OPTIONS, Rules, read_rules
from opennebula_sched_haizea.slottable import FOREVER, Slot
from opennebula_sched_haizea.terms import LeaseKind

RESERVED: Final = "reserved for another lease before this one would end"


class HaizeaPolicy(SchedulerPolicy):
    """Gives hosts to leases: reservations at their time, immediate ones now, the others as room allows.

    A running lease is never disturbed. What was promised is kept before anything else is given.
    """

    options: ClassVar[tuple[Option, ...]] = OPTIONS
    collects_active_vms = True
    reads_leases = True

    def __init__(self, context: DriverContext) -> None:
        super().__init__(context)
        self._rules: Rules = read_rules({option.name: self.setting(option.name) for option in self.options})
        self._reservations = Reservations()
        self._round: Round | None = None
        self._candidates_of: dict[Hashable, Mapping[int, float]] = {}
        self._started: dict[int, Slot] = {}
        self._ended_s: dict[int, float] = {}
        self._wakeups_s: list[float] = []

    def decide(self, round: Round) -> Iterator[Decision]:
        """Yield the ends of leases, then starts: promised ones, immediate ones, reservations, the queue."""
        self._begin(round)
        plan = self._plan(round)
        self._wakeups_s = plan.wakeups_s
        yield from self._ends(round, plan)
        yield from self._moves(round)
        requests = gather([vm for vm in round.waiting() if not vm.resched], self._rules.defaults)
        for vm_id, why in requests.refused.items():
            yield Unplaced(vm_id, f"The lease cannot be given: {why}")
        parts = [self._reservations.split(lease) for lease in requests.leases]
        yield from plan.keep_promises([promised for promised, _ in parts if promised])
        ready, gathering = self._complete([new for _, new in parts if new], round, plan)
        for lease in gathering:
            for vm in lease.vms:
                yield Unplaced(vm.id, f"Waits for the other VMs of the group {lease.terms.group!r}")
        for lease in _of_kind(ready, LeaseKind.IMMEDIATE):
            yield from plan.start_now(lease)
        for lease in _of_kind(ready, LeaseKind.ADVANCE):
            yield from plan.reserve(lease)
        yield from plan.serve_queue(_of_kind(ready, LeaseKind.BEST_EFFORT))

    def filter(self, vm: PendingVm, hosts: Sequence[HostView], round: Round) -> Filtered:
        """Sort the hosts by everything that matters if the VM started now."""
        filtered = super().filter(vm, hosts, round)
        rejected = dict(filtered.rejected)
        plan = self._plan(round)
        requests = gather([other for other in round.cloud.vms if other.id != vm.id], self._rules.defaults)
        for lease in requests.leases:
            plan.hold(plan.promised_slots(lease))
        own = gather([vm], self._rules.defaults).leases
        end_s = plan.now_s + own[0].terms.duration_s if own else FOREVER
        accepted = []
        for host in filtered.accepted:
            if amount_of(vm).fits_into(plan.table.room(host.id, plan.now_s, end_s)):
                accepted.append(host)
            else:
                rejected[host.id] = RESERVED
        return Filtered(accepted, rejected)

    def dispatched(self, decision: Decision, error: str) -> None:
        """Take back what the core refused."""
        if error and isinstance(decision, Placement | Migration):
            self._started.pop(decision.vm_id, None)

    def wakeup_at(self, now: datetime) -> datetime | None:
        """Return when the next lease starts, ends, or is worth looking at again."""
        now_s = now.timestamp()
        due_s = min((at_s for at_s in self._wakeups_s if now_s < at_s < FOREVER), default=FOREVER)
        return None if due_s == FOREVER else datetime.fromtimestamp(due_s, UTC)

    def _begin(self, round: Round) -> None:
        if self._round is round:
            return
        self._round = round
        self._candidates_of.clear()
        self._started.clear()
        self._reservations.keep_only(vm.id for vm in round.cloud.vms)
        here = {vm.id for vm in round.cloud.active_vms}
        self._ended_s = {vm_id: at_s for vm_id, at_s in self._ended_s.items() if vm_id in here}

    def _plan(self, round: Round) -> Plan:
        def candidates(vm: PendingVm) -> Mapping[int, float]:
            return self._candidates(vm, round)

        def place(vm: PendingVm, slot: Slot) -> Iterator[Decision]:
            return self._place(vm, slot, round)

        return Plan(round, self._rules, self._reservations, candidates, place, self._started.values())

    def _ends(self, round: Round, plan: Plan) -> Iterator[Decision]:
        """End the VMs whose leases are over; one that does not end is asked again later."""
        for vm in round.cloud.active_vms:
            if not is_over(vm, self._rules, plan.now_s + DUE_S):
                plan.wakeups_s.append(lease_end_s(vm, self._rules))
            elif plan.now_s >= self._ended_s.get(vm.id, 0.0) + END_RETRY_S:
                self._ended_s[vm.id] = plan.now_s
                yield VmCommand(vm.id, self._rules.on_end)
            else:
                plan.wakeups_s.append(self._ended_s[vm.id] + END_RETRY_S)

    def _moves(self, round: Round) -> Iterator[Decision]:
        for vm in round.waiting():
            if vm.resched:
                yield Board(self, vm, round).decide(vm)

    def _complete(self, leases: Sequence[Lease], round: Round, plan: Plan) -> tuple[list[Lease], list[Lease]]:
        """Return the new requests that are complete, and those whose groups are still gathering."""
        started = self._started_members(round)
        ready: list[Lease] = []
        gathering: list[Lease] = []
        for lease in leases:
            settle_s = self._rules.defaults.group_settle_s
            complete_s = lease.complete_at_s(settle_s, started[lease.group_key])
            if plan.now_s >= complete_s - DUE_S:
                ready.append(lease)
            else:
                gathering.append(lease)
                plan.wakeups_s.append(complete_s)
        return ready, gathering

    def _started_members(self, round: Round) -> Counter[tuple[int, str]]:
        """Return how many members of each group, by owner and name, have left the queue."""
        members = Counter(
            (vm.uid, terms.group)
            for vm in round.cloud.active_vms
            if (terms := lease_terms(vm, self._rules)) is not None
        )
        just_started = [vm for vm_id in self._started if (vm := round.vm(vm_id)) is not None]
        for lease in gather(just_started, self._rules.defaults).leases:
            members[lease.group_key] += len(lease.vms)
        return members

    def _candidates(self, vm: PendingVm, round: Round) -> Mapping[int, float]:
        """Return the hosts that the VM may go to once they have room, with their ranks."""
        kind = vm.id if vm.kind is None else vm.kind
        found = self._candidates_of.get(kind)
        if found is None:
            hosts, _ = self.suitable(vm, round.cloud.hosts, round)
            vetoes = round.extensions.reject(vm, hosts)
            hosts = [
                host
                for host in hosts
                if host.id not in vetoes and self.choose_datastore(vm, host, round) is not None
            ]
            terms = round.extensions.rank(vm, hosts)
            ranks = zip(hosts, self.rank(vm, hosts, round), terms, strict=True)
            found = self._candidates_of[kind] = {host.id: rank + term for host, rank, term in ranks}
        return found

    def _place(self, vm: PendingVm, slot: Slot, round: Round) -> Iterator[Decision]:
        host = round.hosts[slot.host_id]
        datastore_id = self.choose_datastore(vm, host, round)
        if datastore_id is None:
            yield Unplaced(vm.id, f"No system datastore on host {host.name} has room for the VM")
            return
        self._started[vm.id] = slot
        yield self.placement(vm, host, datastore_id)


def _of_kind(leases: Sequence[Lease], kind: LeaseKind) -> list[Lease]:
    return [lease for lease in leases if lease.terms.kind is kind]
