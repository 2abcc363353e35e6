"""What is to be rebalanced: hosts, the VMs that may move, and those that stay.

CPU is in percent (100 is a core), memory in KiB. What VMs *ask for* decides where there is room; the *load*
is what a plan balances, by what was asked for or by what was measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final

from opennebula_core.model.rebalancing import Move

KIB_PER_GIB: Final = 1 << 20


class Goal(StrEnum):
    """What a plan is to reach."""

    BALANCE = "balance"
    PACK = "pack"


class Resource(StrEnum):
    """What is balanced."""

    CPU = "cpu"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of CPU and memory."""

    cpu_percent: float = 0
    memory_kib: float = 0

    def of(self, resource: Resource) -> float:
        """Return the amount of one resource."""
        return self.cpu_percent if resource is Resource.CPU else self.memory_kib

    def plus(self, other: Amount, sign: int = 1) -> Amount:
        """Return the sum, or with ``sign`` -1 the difference."""
        return Amount(self.cpu_percent + sign * other.cpu_percent, self.memory_kib + sign * other.memory_kib)


@dataclass(frozen=True, slots=True)
class Machine:
    """A host of the cluster.

    :param room: what VMs may have of it
    :param asked: what the VMs on it asked for
    :param load: what is in use of it, in the measure that the plan balances
    :param takes: it is enabled and monitored
    """

    id: int
    name: str
    room: Amount
    asked: Amount
    load: Amount
    takes: bool = True


@dataclass(frozen=True, slots=True)
class Guest:
    """A VM that may move.

    :param targets: the hosts, its own apart, on which its requirements and its owner's rights let it be
    :param apart: VMs with which it may not share a host
    """

    id: int
    name: str
    host_id: int
    asked: Amount
    load: Amount
    targets: frozenset[int]
    apart: frozenset[int] = frozenset()
    datastore_id: int = -1


@dataclass(frozen=True, slots=True)
class Staying:
    """A VM that stays where it is, and why."""

    id: int
    host_id: int
    reason: str


@dataclass(frozen=True)
class Problem:
    """A cluster to rebalance.

    :param max_moves: 0 is no limit
    :param resources: what is balanced; to pack, all resources count anyway
    """

    machines: Sequence[Machine]
    guests: Sequence[Guest]
    staying: Sequence[Staying] = ()
    goal: Goal = Goal.BALANCE
    resources: Sequence[Resource] = tuple(Resource)
    max_moves: int = 0

    @cached_property
    def machine_by_id(self) -> Mapping[int, Machine]:
        """The hosts by id."""
        return {machine.id: machine for machine in self.machines}

    @cached_property
    def guest_by_id(self) -> Mapping[int, Guest]:
        """The VMs that may move, by id."""
        return {guest.id: guest for guest in self.guests}

    @cached_property
    def held(self) -> frozenset[int]:
        """The hosts that cannot become empty, for a VM stays on them."""
        return frozenset(vm.host_id for vm in self.staying)

    @cached_property
    def level(self) -> Mapping[Resource, float]:
        """The share in use of each resource that every host would have if all were equal."""
        found: dict[Resource, float] = {}
        for resource in Resource:
            room = sum(machine.room.of(resource) for machine in self.machines)
            load = sum(machine.load.of(resource) for machine in self.machines)
            found[resource] = load / room if room > 0 else 0.0
        return found

    def allows(self, count: int) -> bool:
        """Whether a plan may have so many moves."""
        return not self.max_moves or count <= self.max_moves


@dataclass
class Layout:
    """Which VM is where while a plan is made."""

    problem: Problem
    host_of: dict[int, int] = field(default_factory=dict)
    asked: dict[int, Amount] = field(default_factory=dict)
    load: dict[int, Amount] = field(default_factory=dict)
    guests_on: dict[int, dict[int, Guest]] = field(default_factory=dict)

    @classmethod
    def of(cls, problem: Problem) -> Layout:
        """Return the cluster as it is."""
        layout = cls(problem)
        for machine in problem.machines:
            layout.asked[machine.id] = machine.asked
            layout.load[machine.id] = machine.load
            layout.guests_on[machine.id] = {}
        layout.host_of.update((vm.id, vm.host_id) for vm in problem.staying)
        for guest in problem.guests:
            layout.host_of[guest.id] = guest.host_id
            layout.guests_on[guest.host_id][guest.id] = guest
        return layout

    @classmethod
    def after(cls, problem: Problem, moves: Iterable[Move]) -> Layout:
        """Return the cluster as moves leave it."""
        layout = cls.of(problem)
        for move in moves:
            layout.move(problem.guest_by_id[move.vm_id], move.target_id)
        return layout

    def fits(self, guest: Guest, host_id: int) -> bool:
        """Whether the VM may go to the host as things are now."""
        machine = self.problem.machine_by_id[host_id]
        if not machine.takes or host_id not in guest.targets:
            return False
        asked, wanted = self.asked[host_id], guest.asked
        if wanted.cpu_percent > 0 and asked.cpu_percent + wanted.cpu_percent > machine.room.cpu_percent:
            return False
        if wanted.memory_kib > 0 and asked.memory_kib + wanted.memory_kib > machine.room.memory_kib:
            return False
        return not any(self.host_of.get(vm_id) == host_id for vm_id in guest.apart)

    def move(self, guest: Guest, host_id: int) -> None:
        """Put the VM on another host."""
        here = self.host_of[guest.id]
        for where, sign in ((here, -1), (host_id, 1)):
            self.asked[where] = self.asked[where].plus(guest.asked, sign)
            self.load[where] = self.load[where].plus(guest.load, sign)
        self.guests_on[host_id][guest.id] = self.guests_on[here].pop(guest.id)
        self.host_of[guest.id] = host_id

    def is_moved(self, guest: Guest) -> bool:
        """Whether the VM is elsewhere than at the beginning."""
        return self.host_of[guest.id] != guest.host_id

    def moved(self) -> list[Guest]:
        """Return the VMs that are elsewhere than at the beginning."""
        return [guest for guest in self.problem.guests if self.is_moved(guest)]

    def is_used(self, host_id: int) -> bool:
        """Whether any VM is on the host."""
        return host_id in self.problem.held or bool(self.guests_on[host_id])

    def share(self, host_id: int, resource: Resource) -> float:
        """Return which part of the host's room is in use; 0 where there is none."""
        room = self.problem.machine_by_id[host_id].room.of(resource)
        return self.load[host_id].of(resource) / room if room > 0 else 0.0
