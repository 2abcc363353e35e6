"""A round of scheduling: the cloud as it was read, and what has been decided upon it since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from opennebula_core.contracts.views import Cloud, DatastoreView, HostView, Lookup, PendingVm


@dataclass(frozen=True, slots=True)
class Placement:
    """Deploy a pending VM; ``datastore_id`` -1 leaves the system datastore to the core."""

    vm_id: int
    host_id: int
    datastore_id: int = -1


@dataclass(frozen=True, slots=True)
class Migration:
    """Move a VM that is flagged to be rescheduled.

    :param cold_mode: when not ``live``: 0 save and restore, 1 power off, 2 power off hard
    """

    vm_id: int
    host_id: int
    datastore_id: int = -1
    live: bool = False
    cold_mode: int = 0


@dataclass(frozen=True, slots=True)
class VmCommand:
    """Do to a VM what a user could: an action of ``one.vm.action``, such as ``terminate``."""

    vm_id: int
    action: str


@dataclass(frozen=True, slots=True)
class Annotation:
    """Merge attributes, in template syntax, into a VM's user template."""

    vm_id: int
    text: str


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A VM stays where it is for now; its SCHED_MESSAGE says why.

    :param reasons: condition that failed -> number of hosts that failed it
    """

    vm_id: int
    message: str
    reasons: Mapping[str, int] = field(default_factory=dict)


Decision = Placement | Migration | VmCommand | Annotation | Unplaced


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


@dataclass(slots=True)
class Booking:
    """What a round has put on one host."""

    cpu_percent: int = 0
    memory_kib: int = 0
    disk_mib: dict[int, int] = field(default_factory=dict)
    vm_ids: set[int] = field(default_factory=set)


class Round:
    """The state of one round: shared by the policy, which reads it, and the process, which books.

    A placement is booked the moment the policy has yielded it, so that the next decision sees less room.

    :param vms: the VMs to look at, in order; the policy's ``collect`` made the list
    """

    def __init__(
        self,
        cloud: Cloud,
        vms: Sequence[PendingVm],
        *,
        now: datetime | None = None,
        limits: Limits | None = None,
        extensions: Extensions | None = None,
    ) -> None:
        self.cloud = cloud
        self.vms = vms
        self.now = now or datetime.now(UTC)
        self.limits = limits or Limits()
        self.extensions: Extensions = extensions or NoExtensions()
        self.hosts: dict[int, HostView] = {host.id: host for host in cloud.hosts}
        self.touched: list[int] = []
        """Ids of hosts whose bookings changed, in order: what a cached decision has to look at again."""
        self._vms_by_id = {vm.id: vm for vm in vms}
        self._bookings: dict[int, Booking] = {}
        self._datastore_mib: dict[int, int] = {}
        self._refused: dict[int, set[int]] = {}
        self._settled: set[int] = set()

    def waiting(self) -> Iterable[PendingVm]:
        """Give the VMs about which nothing has been decided, in order."""
        return [vm for vm in self.vms if vm.id not in self._settled]

    def booking(self, host: HostView) -> Booking:
        """Return what this round has put on the host."""
        return self._bookings.get(host.id) or Booking()

    def free_cpu_percent(self, host: HostView) -> int:
        """Return what is left of the host's CPU after usage and bookings; may be negative."""
        return host.max_cpu_percent - host.cpu_usage_percent - self.booking(host).cpu_percent

    def free_memory_kib(self, host: HostView) -> int:
        """Return what is left of the host's memory after usage and bookings; may be negative."""
        return host.max_memory_kib - host.memory_usage_kib - self.booking(host).memory_kib

    def fits(self, vm: PendingVm, host: HostView) -> bool:
        """Whether the host has CPU and memory left for the VM; what asks for nothing always fits."""
        return (vm.cpu_percent <= 0 or vm.cpu_percent <= self.free_cpu_percent(host)) and (
            vm.memory_kib <= 0 or vm.memory_kib <= self.free_memory_kib(host)
        )

    def is_open(self, host: HostView) -> bool:
        """Whether the limit of VMs per host and round leaves room."""
        return not self.limits.max_host or len(self.booking(host).vm_ids) < self.limits.max_host

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
        self._book(decision, -1)
        self._refused.setdefault(decision.vm_id, set()).add(decision.host_id)
        self._settled.discard(decision.vm_id)

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
        else:
            booking.vm_ids.discard(vm.id)
        self.touched.append(decision.host_id)


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
            return [f"{float(values[0]) + (change if name in self._ADDED else -change):.10g}"]
        except ValueError:
            return values

    @staticmethod
    def _change(name: str, booking: Booking) -> int:
        if name == "RUNNING_VMS":
            return len(booking.vm_ids)
        return booking.memory_kib if "MEM" in name else booking.cpu_percent
