"""What a scheduler policy sees of the cloud: frozen values, read over the API once per round.

CPU is in percent (100 is a core), memory in KiB, disk in MiB, as OpenNebula's HOST documents have it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from opennebula_core.contracts.matchmaking.groups import VmGroupView
from opennebula_core.model.states import DatastoreState, HostState, LcmState, VmState
from opennebula_core.model.template import Template

Lookup = Callable[[str], Sequence[str]]
"""Gives all values of an attribute by the name that expressions use; none when it is missing."""


def no_attributes(name: str) -> Sequence[str]:
    """Look up nothing: what has no free attributes uses this."""
    return ()


@dataclass(frozen=True, slots=True, eq=False)
class PendingVm:
    """A VM that waits for a host: pending, or running and flagged to be rescheduled.

    :param group_ids: all groups of the owner, the VM's own group among them
    :param resched: it runs on ``host_id`` and shall move; otherwise ``host_id`` is -1
    :param disk_mib: what its disks need in the system datastore
    :param priority: USER_PRIORITY, the higher the sooner; 0 when there is none
    :param stime: epoch seconds of its submission
    :param automatic_requirements: what the core derived from its datastores and networks
    :param requirements: SCHED_REQUIREMENTS; ``ds_requirements`` and the ranks likewise
    :param kind: equal for VMs that differ in nothing a placement may depend on: a policy decides per kind
    :param vm_group_id: the group of VMs that it is in, with its ``role`` there; -1: in none
    """

    id: int
    name: str
    uid: int
    gid: int
    group_ids: frozenset[int]
    cpu_percent: int
    memory_kib: int
    disk_mib: int = 0
    resched: bool = False
    host_id: int = -1
    datastore_id: int = -1
    priority: float = 0.0
    stime: int = 0
    automatic_requirements: str = ""
    requirements: str = ""
    rank: str = ""
    automatic_ds_requirements: str = ""
    ds_requirements: str = ""
    ds_rank: str = ""
    message: str = ""
    template: Template = field(default_factory=Template)
    user_template: Template = field(default_factory=Template)
    kind: Hashable = None
    vm_group_id: int = -1
    role: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ActiveVm:
    """A VM that left the queue and is not done: what a lease manager has to know about it.

    :param host_id: where it is or was last, -1 when it never was anywhere
    :param history_stime: epoch seconds since when it is there
    :param first_running_stime: epoch seconds at which it first ran (RSTIME of its first history record), 0
        when it has not yet; no later move, suspension or power-off changes it
    """

    id: int
    name: str
    uid: int
    state: VmState
    lcm_state: LcmState
    host_id: int
    cpu_percent: int
    memory_kib: int
    stime: int
    history_stime: int
    first_running_stime: int
    template: Template
    user_template: Template


@dataclass(frozen=True, slots=True, eq=False)
class HostView:
    """A host.

    :param max_cpu_percent: total less what is reserved; with a negative reserve more than there is
    :param cpu_usage_percent: sum of what the VMs on it asked for; ``memory_usage_kib`` likewise
    :param vm_ids: the VMs on it
    :param free_disk_mib: free room per local system datastore (its id), as its monitoring reports
    :param attributes: what requirement and rank expressions see
    """

    id: int
    name: str
    state: HostState
    cluster_id: int
    cluster: str
    max_cpu_percent: int
    max_memory_kib: int
    cpu_usage_percent: int = 0
    memory_usage_kib: int = 0
    running_vms: int = 0
    vm_ids: frozenset[int] = frozenset()
    free_disk_mib: Mapping[int, int] = field(default_factory=dict)
    attributes: Lookup = no_attributes

    @property
    def is_enabled(self) -> bool:
        """A host takes VMs only while it is monitored and enabled."""
        return self.state is HostState.MONITORED


@dataclass(frozen=True, slots=True, eq=False)
class DatastoreView:
    """A system datastore.

    :param is_shared: one room for all hosts (``free_mib``); else each host has its own
    :param total_mib: 0 when it was never measured
    """

    id: int
    name: str
    uid: int
    gid: int
    permissions: int
    state: DatastoreState
    cluster_ids: frozenset[int]
    tm_mad: str = ""
    is_shared: bool = True
    total_mib: int = 0
    free_mib: int = 0
    attributes: Lookup = no_attributes


@dataclass(frozen=True, slots=True, eq=False)
class ClusterView:
    """A cluster, with the template that its hosts inherit from (reserved capacity, PRIORITY)."""

    id: int
    name: str
    template: Template = field(default_factory=Template)


class Access(Protocol):
    """What the owners of VMs may use, by permissions and access rules."""

    def may_manage_host(self, vm: PendingVm, host: HostView) -> bool:
        """Whether the VM's owner has HOST:MANAGE."""

    def may_use_datastore(self, vm: PendingVm, datastore: DatastoreView) -> bool:
        """Whether the VM's owner has DATASTORE:USE."""


class OpenAccess:
    """Everybody may use everything; for tests and simulations."""

    def may_manage_host(self, vm: PendingVm, host: HostView) -> bool:
        """Allow it."""
        return True

    def may_use_datastore(self, vm: PendingVm, datastore: DatastoreView) -> bool:
        """Allow it."""
        return True


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """All that one round is decided upon.

    :param hosts: in order of id, those that are disabled or in error too
    :param datastores: the system datastores, in order of id
    :param active_vms: filled only for policies that ask for it (``collects_active_vms``)
    :param vm_groups: filled only while a VM waits that is in one
    """

    vms: tuple[PendingVm, ...]
    hosts: tuple[HostView, ...]
    datastores: tuple[DatastoreView, ...] = ()
    clusters: Mapping[int, ClusterView] = field(default_factory=dict)
    active_vms: tuple[ActiveVm, ...] = ()
    access: Access = field(default_factory=OpenAccess)
    vm_groups: tuple[VmGroupView, ...] = ()
