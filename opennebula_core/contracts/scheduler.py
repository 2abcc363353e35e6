"""The contract of scheduler policies: collect, filter, rank, decide, dispatch.

The scheduler process reads the cloud over the API and runs a policy's steps on it::

    collect(cloud)              which VMs to look at, in which order
    filter(vm, hosts, round)    where each may go; asked per kind of VM, from decide
    rank(vm, hosts, round)      where it had better go; likewise
    choose_datastore(...)       in which system datastore; likewise
    decide(round)               the decisions, one after the other
    dispatch(decision)          the API call that carries a decision out

A policy overrides the steps it cares about; each has a default that works. Filters and rank terms of other
packages (:mod:`opennebula_core.hookspecs`) join in :meth:`SchedulerPolicy.decide`. Policies decide and do no
I/O; the process carries out, with the limits that the operator set.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from opennebula_core.contracts.driver import DriverContext, Option
from opennebula_core.contracts.matchmaking.board import Board
from opennebula_core.contracts.matchmaking.conditions import STANDARD_CONDITIONS, HostCondition
from opennebula_core.contracts.matchmaking.datastores import DatastoreChooser
from opennebula_core.contracts.matchmaking.decisions import (
    Annotation,
    Decision,
    Migration,
    Placement,
    Unplaced,
    VmCommand,
)
from opennebula_core.contracts.matchmaking.groups import RoleView, VmGroupView
from opennebula_core.contracts.matchmaking.hosts import HostFilter
from opennebula_core.contracts.matchmaking.matching import Matcher
from opennebula_core.contracts.matchmaking.round import Extensions, Filtered, Limits, Round
from opennebula_core.contracts.matchmaking.views import (
    Access,
    ActiveVm,
    Cloud,
    ClusterView,
    DatastoreView,
    HostView,
    Lookup,
    PendingVm,
)

__all__ = [
    "Access",
    "ActiveVm",
    "Annotation",
    "Call",
    "Cloud",
    "ClusterView",
    "DatastoreView",
    "Decision",
    "Extensions",
    "Filtered",
    "HostCondition",
    "HostView",
    "Limits",
    "Lookup",
    "Migration",
    "PendingVm",
    "Placement",
    "RoleView",
    "Round",
    "SchedulerPolicy",
    "Unplaced",
    "VmCommand",
    "VmGroupView",
]


@dataclass(frozen=True, slots=True)
class Call:
    """An API call, without the session text."""

    method: str
    params: tuple[object, ...]


class SchedulerPolicy:
    """Decides which VM goes where.

    One object lives as long as the policy is in charge; a round calls the steps in order. As it stands this
    class is the simplest scheduler: the first host, by id, that the VM may use and that has room.
    """

    options: ClassVar[tuple[Option, ...]] = ()
    """The settings it understands, under ``[scheduler.NAME]`` in ``oned.toml``."""

    collects_active_vms: ClassVar[bool] = False
    """Whether :attr:`Cloud.active_vms` is wanted: it costs a larger fetch."""

    reads_leases: ClassVar[bool] = False
    """Whether it understands HAIZEA in a VM's user template: the start, duration and group that it asks for.

    In a simulation only such a policy is told of a reservation ahead of its start.
    """

    rank_of_vms: str = ""
    """The rank expression for VMs without SCHED_RANK; empty: all hosts are equal."""

    rank_of_datastores: str = "FREE_MB"
    """The rank expression of system datastores for VMs without SCHED_DS_RANK."""

    host_conditions: Sequence[HostCondition] = STANDARD_CONDITIONS
    """What :meth:`filter` tests behind requirements and room, for the VMs that are concerned."""

    def __init__(self, context: DriverContext) -> None:
        self.context = context
        self.matcher = Matcher()
        self._hosts = HostFilter(self.matcher, self.host_conditions)
        self._datastores = DatastoreChooser(self.matcher)

    def setting(self, name: str) -> str | int | float | bool:
        """Return the option ``name``: as configured, else its default.

        :raises KeyError: the policy declares no such option
        """
        if name in self.context.settings:
            return self.context.settings[name]
        return {option.name: option.default for option in self.options}[name]

    def collect(self, cloud: Cloud) -> Sequence[PendingVm]:
        """Return the VMs to look at in this round, in order: by default priority, then age.

        Called once at the start of a round. The limit ``max_vms`` cuts the list afterwards.
        """
        return sorted(cloud.vms, key=lambda vm: (-vm.priority, vm.id))

    def filter(self, vm: PendingVm, hosts: Sequence[HostView], round: Round) -> Filtered:
        """Sort the hosts into those that can take the VM now and those that cannot.

        Called once for all hosts and each kind of VM, and again for single hosts after something was booked
        there; ask ``round`` for room and attributes, for it knows the bookings. By default a host must be
        enabled and open to the VM's owner, meet the automatic and the user's requirements, and have room,
        and :attr:`host_conditions` hold: a policy with tests of its own had better add them to these.
        """
        return self._hosts.filter(vm, hosts, round)

    def suitable(
        self, vm: PendingVm, hosts: Sequence[HostView], round: Round
    ) -> tuple[Sequence[HostView], dict[int, str]]:
        """Return the hosts that could take the VM if they had room, and why the others could not.

        No step: for policies that look further than now.
        """
        return self._hosts.suitable(vm, hosts, round)

    def rank(self, vm: PendingVm, hosts: Sequence[HostView], round: Round) -> Sequence[float]:
        """Return a number for each host, in order: the VM goes to the highest, of equals to the lowest id.

        Called like :meth:`filter`, for the hosts that it accepted. By default the VM's own rank, else
        :attr:`rank_of_vms`.
        """
        return self.matcher.ranks(vm.rank or self.rank_of_vms, hosts, round)

    def choose_datastore(self, vm: PendingVm, host: HostView, round: Round) -> int | None:
        """Return the system datastore for the VM on that host; -1 leaves it to the core, None: there is none.

        Called for the best host; after None for the next best. By default by state, rights, requirements,
        cluster, room and rank; a VM that moves keeps its own.
        """
        return self._datastores.choose(vm, host, round, self.rank_of_datastores)

    def decide(self, round: Round) -> Iterator[Decision]:
        """Yield what is to be done, most urgent first.

        Each decision is booked before the next one is asked for, and carried out while the policy goes on.
        When the core has refused placements, ``decide`` is called again for the VMs that wait again
        (``round.waiting()``); ``round.is_refused`` tells where they cannot go.
        """
        boards: dict[Hashable, Board] = {}
        for vm in round.affinity.in_order(round.waiting()):
            kind = (vm.id if vm.kind is None else vm.kind, self._hosts.stakes(vm, round))
            board = boards.get(kind)
            if board is None:
                board = boards[kind] = Board(self, vm, round)
            yield board.decide(vm)

    def placement(self, vm: PendingVm, host: HostView, datastore_id: int) -> Placement | Migration:
        """Return the decision that brings the VM to the host; override it to migrate in another way."""
        if vm.resched:
            return Migration(vm.id, host.id, datastore_id)
        return Placement(vm.id, host.id, datastore_id)

    def dispatch(self, decision: Placement | Migration | VmCommand | Annotation) -> Call:
        """Return the API call that carries out the decision."""
        match decision:
            case Placement(vm_id, host_id, datastore_id):
                return Call("one.vm.deploy", (vm_id, host_id, False, datastore_id, ""))
            case Migration(vm_id, host_id, datastore_id, live, cold_mode):
                return Call("one.vm.migrate", (vm_id, host_id, live, False, datastore_id, cold_mode))
            case VmCommand(vm_id, action):
                return Call("one.vm.action", (action, vm_id))
            case Annotation(vm_id, text):
                return Call("one.vm.update", (vm_id, text, 1))

    def dispatched(self, decision: Decision, _error: str) -> None:
        """Learn how a decision ended: ``error`` is empty when the core carried it out."""
        return None

    def wakeup_at(self, now: datetime) -> datetime | None:
        """Return when the next round is wanted even if nothing changes; None when a policy has no clock."""
        return None
