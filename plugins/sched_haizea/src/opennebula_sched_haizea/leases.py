"""Leases: the waiting VMs as requests, one VM or a group that starts together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from opennebula_core.contracts.scheduler import PendingVm
from opennebula_core.errors import TemplateError
from opennebula_sched_haizea.slottable import FOREVER, Amount
from opennebula_sched_haizea.terms import ATTRIBUTE, Terms, parse_terms


@dataclass(frozen=True, slots=True)
class Defaults:
    """The terms of VMs that do not say.

    :param start: a START, for VMs without one
    :param group_settle_s: how long a group without GROUP_SIZE waits for further members
    """

    start: str = "best_effort"
    duration: str = "unlimited"
    group_settle_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Lease:
    """A request: all its VMs start together, or none does.

    :param vms: in order of arrival; the terms are the first one's
    """

    vms: tuple[PendingVm, ...]
    terms: Terms

    @property
    def id(self) -> int:
        """The id of its first VM."""
        return self.vms[0].id

    @property
    def newest_stime_s(self) -> float:
        """When its last member was submitted."""
        return float(max(vm.stime for vm in self.vms))

    @property
    def group_key(self) -> tuple[int, str]:
        """Equal for the members of a group."""
        return self.vms[0].uid, self.terms.group

    def complete_at_s(self, settle_s: float, started: int) -> float:
        """Return from when on no further members are waited for.

        :param started: how many members have left the queue already
        """
        if not self.terms.group:
            return 0.0
        if self.terms.group_size:
            return 0.0 if len(self.vms) + started >= self.terms.group_size else FOREVER
        return self.newest_stime_s + settle_s


@dataclass(slots=True)
class Requests:
    """The waiting VMs, sorted.

    :param refused: VM id -> why its HAIZEA attribute means nothing
    """

    leases: list[Lease] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


def amount_of(vm: PendingVm) -> Amount:
    """Return what a VM takes of a host."""
    return Amount(vm.cpu_percent, vm.memory_kib)


def gather(vms: Iterable[PendingVm], defaults: Defaults) -> Requests:
    """Return the leases that the waiting VMs ask for, in the order of their first VMs."""
    requests = Requests()
    groups: dict[tuple[int, str], list[PendingVm]] = {}
    terms_of: dict[tuple[int, str], Terms] = {}
    for vm in vms:
        try:
            terms = parse_terms(
                vm.user_template.vector(ATTRIBUTE), float(vm.stime), defaults.start, defaults.duration
            )
        except TemplateError as error:
            requests.refused[vm.id] = str(error)
            continue
        key = (vm.uid, terms.group) if terms.group else (vm.id, "")
        groups.setdefault(key, []).append(vm)
        terms_of.setdefault(key, terms)
    requests.leases = [Lease(tuple(members), terms_of[key]) for key, members in groups.items()]
    return requests
