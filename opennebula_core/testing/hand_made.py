"""Clouds made by hand, as scheduler policies see them."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Final

from opennebula_core.contracts.matchmaking.views import OpenAccess
from opennebula_core.contracts.scheduler import (
    Access,
    ActiveVm,
    Cloud,
    ClusterView,
    DatastoreView,
    HostView,
    PendingVm,
    RoleView,
    VmGroupView,
)
from opennebula_core.model.states import DatastoreState, HostState, LcmState, VmState
from opennebula_core.model.template import Template

KIB_PER_MIB: Final = 1024
GIB: Final = 1024 * KIB_PER_MIB
"""A GiB in KiB."""


def make_host(
    host_id: int,
    *,
    max_cpu_percent: int = 400,
    max_memory_kib: int = 8 * GIB,
    cpu_usage_percent: int = 0,
    memory_usage_kib: int = 0,
    state: HostState = HostState.MONITORED,
    cluster_id: int = 0,
    vm_ids: Sequence[int] = (),
    free_disk_mib: Mapping[int, int] | None = None,
    **attributes: str | int,
) -> HostView:
    """Return a host; further arguments are attributes that expressions see."""
    values = {
        "ID": host_id,
        "NAME": f"host{host_id:02}",
        "CLUSTER_ID": cluster_id,
        "RUNNING_VMS": len(vm_ids),
        "CPU_USAGE": cpu_usage_percent,
        "MEM_USAGE": memory_usage_kib,
        "FREE_CPU": max_cpu_percent - cpu_usage_percent,
        "FREE_MEMORY": max_memory_kib - memory_usage_kib,
        **attributes,
    }
    texts = {name: (str(value),) for name, value in values.items()}
    return HostView(
        id=host_id,
        name=f"host{host_id:02}",
        state=state,
        cluster_id=cluster_id,
        cluster="default",
        max_cpu_percent=max_cpu_percent,
        max_memory_kib=max_memory_kib,
        cpu_usage_percent=cpu_usage_percent,
        memory_usage_kib=memory_usage_kib,
        running_vms=len(vm_ids),
        vm_ids=frozenset(vm_ids),
        free_disk_mib=free_disk_mib or {},
        attributes=lambda name: texts.get(name, ()),
    )


def make_vm(
    vm_id: int,
    *,
    cpu_percent: int = 100,
    memory_kib: int = GIB,
    user_template: str = "",
    uid: int = 2,
    group_ids: Collection[int] = (1,),
    stime: int = 0,
    resched_from: int | None = None,
    kind: Hashable = None,
    **fields: str | int | float,
) -> PendingVm:
    """Return a waiting VM; further arguments are fields of :class:`PendingVm`.

    :param user_template: in template syntax; SCHED_ attributes are given as fields
    :param resched_from: the host it runs on and shall leave
    """
    return PendingVm(
        id=vm_id,
        name=f"vm{vm_id}",
        uid=uid,
        gid=1,
        group_ids=frozenset(group_ids),
        cpu_percent=cpu_percent,
        memory_kib=memory_kib,
        resched=resched_from is not None,
        host_id=-1 if resched_from is None else resched_from,
        stime=stime,
        user_template=Template.parse(user_template),
        kind=kind,
        **fields,  # type: ignore[arg-type]  # names and types are PendingVm's own
    )


def make_active_vm(
    vm_id: int,
    host_id: int,
    *,
    cpu_percent: int = 100,
    memory_kib: int = GIB,
    user_template: str = "",
    stime: int = 0,
    running_since: int = 0,
    state: VmState = VmState.ACTIVE,
    lcm_state: LcmState = LcmState.RUNNING,
) -> ActiveVm:
    """Return a VM that is on a host.

    :param running_since: epoch seconds; 0 when it does not run yet
    """
    return ActiveVm(
        id=vm_id,
        name=f"vm{vm_id}",
        uid=2,
        state=state,
        lcm_state=lcm_state,
        host_id=host_id,
        cpu_percent=cpu_percent,
        memory_kib=memory_kib,
        stime=stime,
        history_stime=running_since or stime,
        first_running_stime=running_since,
        template=Template(),
        user_template=Template.parse(user_template),
    )


def make_datastore(
    datastore_id: int,
    *,
    total_mib: int = 0,
    free_mib: int = 0,
    is_shared: bool = True,
    cluster_ids: Sequence[int] = (0,),
    state: DatastoreState = DatastoreState.READY,
    **attributes: str | int,
) -> DatastoreView:
    """Return a system datastore; further arguments are attributes that expressions see."""
    values = {"ID": datastore_id, "FREE_MB": free_mib, **attributes}
    texts = {name: (str(value),) for name, value in values.items()}
    return DatastoreView(
        id=datastore_id,
        name=f"ds{datastore_id}",
        uid=0,
        gid=0,
        permissions=0o660,
        state=state,
        cluster_ids=frozenset(cluster_ids),
        is_shared=is_shared,
        total_mib=total_mib,
        free_mib=free_mib,
        attributes=lambda name: texts.get(name, ()),
    )


def make_vm_group(
    group_id: int, *roles: RoleView, affined: Sequence[str] = (), anti_affined: Sequence[str] = ()
) -> VmGroupView:
    """Return a group of VMs.

    :param affined: rules, each roles with commas between; ``anti_affined`` likewise
    """
    return VmGroupView(
        id=group_id,
        name=f"group{group_id}",
        roles={role.name: role for role in roles},
        affined=[frozenset(rule.split(",")) for rule in affined],
        anti_affined=[frozenset(rule.split(",")) for rule in anti_affined],
    )


def make_cloud(
    vms: Sequence[PendingVm],
    hosts: Sequence[HostView],
    *,
    datastores: Sequence[DatastoreView] = (),
    active_vms: Sequence[ActiveVm] = (),
    clusters: Mapping[int, ClusterView] | None = None,
    access: Access | None = None,
    vm_groups: Sequence[VmGroupView] = (),
) -> Cloud:
    """Return a cloud; in one without system datastores their choice is left to the core."""
    return Cloud(
        vms=tuple(vms),
        hosts=tuple(sorted(hosts, key=lambda host: host.id)),
        datastores=tuple(datastores),
        clusters=clusters or {},
        active_vms=tuple(active_vms),
        access=access or OpenAccess(),
        vm_groups=tuple(vm_groups),
    )
