"""A round of scheduling: the cloud as it was read, and what has been decided upon it since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

from opennebula_core.contracts.matchmaking.affinity import Affinity
from opennebula_core.contracts.matchmaking.bookings import Booking, HostLookup
from opennebula_core.contracts.matchmaking.decisions import Decision, Migration, Placement, Unplaced
from opennebula_core.contracts.matchmaking.views import Cloud, DatastoreView, HostView, Lookup, PendingVm


@dataclass(frozen=True, slots=True)
class Filtered:
    """Hosts sorted into those that can take a VM and those that cannot.

    :param accepted: in the order in which they came
    :param rejected: host id -> the condition that failed, worded so that "... on 3 hosts" may follow
    """

    accepted: Sequence[HostView]
    rejected: Mapping[int, str] = field(default_factory=dict)


class Extensions(Protocol):
    """What plugins add to any policy: filters and rank terms."""

    def reject(self, vm: PendingVm, hosts: Sequence[HostView]) -> Mapping[int, str]:
        """Return the hosts (ids) that the VM may not go to, each with the condition that failed."""

    def rank(self, vm: PendingVm, hosts: Sequence[HostView]) -> Sequence[float]:
        """Return what to add to the rank of each host, in order."""


class NoExtensions:
    """No plugin has a say."""

    def reject(self, vm: PendingVm, hosts: Sequence[HostView]) -> Mapping[int, str]:
        """Reject none."""
        return {}

    def rank(self, vm: PendingVm, hosts: Sequence[HostView]) -> Sequence[float]:
        """Add nothing."""
        return [0.0] * len(hosts)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one round may do; 0 is no limit.

    :param max_vms: VMs that are looked at
    :param max_dispatch: VMs that are placed
    :param max_host: VMs that are placed on one host
    """

    max_vms: int = 0
    max_dispatch: int = 0
    max_host: int = 0


_NOTHING_BOOKED: Final = Booking()


class Round:
    """The state of one round: shared by the policy, which reads it, and the process, which books.

    A placement is booked the moment the policy has yielded it, so that the next decision sees less room.

    :param vms: the VMs to look at, in order; the policy's ``collect`` made the list
    :param placed_before: host id -> placements of earlier rounds that count towards ``max_host``
    """

    def __init__(
        self,
        cloud: Cloud,
        vms: Sequence[PendingVm],
        *,
        now: datetime | None = None,
        limits: Limits | None = None,
        extensions: Extensions | None = None,
        placed_before: Mapping[int, int] | None = None,
    ) -> None:
        self.cloud = cloud
        self.vms = vms
        self.now = now or datetime.now(UTC)
        self.limits = limits or Limits()
        self.extensions: Extensions = extensions or NoExtensions()
        self.hosts: dict[int, HostView] = {host.id: host for host in cloud.hosts}
        self.touched: list[int] = []
        """Ids of hosts whose bookings changed, in order: what a cached decision has to look at again."""
        self._placed_before = placed_before or {}
        self._vms_by_id = {vm.id: vm for vm in vms}
        self._bookings: dict[int, Booking] = {}
        self._datastore_mib: dict[int, int] = {}
        self._refused: dict[int, set[int]] = {}
        self._settled: set[int] = set()
        self._booked_hosts: dict[int, int] = {}
        self.affinity = Affinity(cloud, self)
        """What the groups of VMs demand, with the bookings of this round."""

    def waiting(self) -> Iterable[PendingVm]:
        """Give the VMs about which nothing has been decided, in order."""
        return [vm for vm in self.vms if vm.id not in self._settled]

    def vm(self, vm_id: int) -> PendingVm | None:
        """Return the VM of that id, None when it is none of this round's."""
        return self._vms_by_id.get(vm_id)

    def booking(self, host: HostView) -> Booking:
        """Return what this round has put on the host; not to be changed."""
        return self._bookings.get(host.id, _NOTHING_BOOKED)

    def vms_on(self, host: HostView) -> frozenset[int]:
        """Return the VMs that are on the host, or that this round has put there."""
        booked = self.booking(host).vm_ids
        return host.vm_ids | booked if booked else host.vm_ids

    def booked_host(self, vm_id: int) -> int | None:
        """Return the id of the host that this round has put the VM on, None: on none."""
        return self._booked_hosts.get(vm_id)

    def free_cpu_percent(self, host: HostView) -> int:
        """Return what is left of the host's CPU after usage and bookings; may be negative."""
        return host.max_cpu_percent - host.cpu_usage_percent - self.booking(host).cpu_percent

    def free_memory_kib(self, host: HostView) -> int:
        """Return what is left of the host's memory after usage and bookings; may be negative."""
        return host.max_memory_kib - host.memory_usage_kib - self.booking(host).memory_kib

    def fits(self, vm: PendingVm, host: HostView) -> bool:
        """Whether the host has CPU and memory left for the VM; what asks for nothing always fits."""
        return self.fits_cpu(vm, host) and self.fits_memory(vm, host)

    def fits_cpu(self, vm: PendingVm, host: HostView) -> bool:
        """Whether the host has CPU left for the VM."""
        return vm.cpu_percent <= 0 or vm.cpu_percent <= self.free_cpu_percent(host)

    def fits_memory(self, vm: PendingVm, host: HostView) -> bool:
        """Whether the host has memory left for the VM."""
        return vm.memory_kib <= 0 or vm.memory_kib <= self.free_memory_kib(host)

    def is_open(self, host: HostView) -> bool:
        """Whether the limit of VMs per host and round leaves room."""
        if not self.limits.max_host:
            return True
        placed = self._placed_before.get(host.id, 0) + len(self.booking(host).vm_ids)
        return placed < self.limits.max_host

    def is_refused(self, vm: PendingVm, host: HostView) -> bool:
        """Whether the core refused to put this VM on this host in this round."""
        return host.id in self._refused.get(vm.id, ())

    def free_disk_mib(self, datastore: DatastoreView, host: HostView) -> int | None:
        """Return what is left in the system datastore for VMs on the host; None when nobody measured it."""
        if datastore.is_shared:
            if not datastore.total_mib:
                return None
            return datastore.free_mib - self._datastore_mib.get(datastore.id, 0)
        if datastore.id not in host.free_disk_mib:
            return None
        return host.free_disk_mib[datastore.id] - self.booking(host).disk_mib.get(datastore.id, 0)

    def lookup(self, host: HostView) -> Lookup:
        """Return the host's attributes as expressions see them now, the bookings of this round included."""
        return HostLookup(host, self._bookings.get(host.id))

    def settle(self, decision: Decision) -> None:
        """Note what was decided about a VM and, for a placement, book it."""
        if isinstance(decision, Placement | Migration):
            self._book(decision, 1)
            self._settled.add(decision.vm_id)
        elif isinstance(decision, Unplaced):
            self._settled.add(decision.vm_id)

    def refuse(self, decision: Placement | Migration) -> None:
        """Take a booking back: the core refused it. The VM waits again, for another host."""
        self.withdraw(decision)
        self._refused.setdefault(decision.vm_id, set()).add(decision.host_id)
        self._settled.discard(decision.vm_id)

    def withdraw(self, decision: Placement | Migration) -> None:
        """Take a booking back for good: the VM is not to be placed any more in this round."""
        self._book(decision, -1)

    def refusals(self, vm_id: int) -> int:
        """Return how many hosts the core has refused for the VM."""
        return len(self._refused.get(vm_id, ()))

    def _book(self, decision: Placement | Migration, sign: int) -> None:
        vm = self._vms_by_id[decision.vm_id]
        booking = self._bookings.setdefault(decision.host_id, Booking())
        booking.cpu_percent += sign * vm.cpu_percent
        booking.memory_kib += sign * vm.memory_kib
        taken_mib = booking.disk_mib.get(decision.datastore_id, 0)
        booking.disk_mib[decision.datastore_id] = taken_mib + sign * vm.disk_mib
        taken_mib = self._datastore_mib.get(decision.datastore_id, 0)
        self._datastore_mib[decision.datastore_id] = taken_mib + sign * vm.disk_mib
        if sign > 0:
            booking.vm_ids.add(vm.id)
            self._booked_hosts[vm.id] = decision.host_id
        else:
            booking.vm_ids.discard(vm.id)
            self._booked_hosts.pop(vm.id, None)
        self.touched.append(decision.host_id)
