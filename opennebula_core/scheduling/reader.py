"""From the API's documents to the values that policies decide on.

Only elements that OpenNebula 6.10 documents are read, so that its front-end serves as well as ours.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from enum import IntEnum
from typing import Final, TypeVar
from xml.etree.ElementTree import Element

from opennebula_core.contracts.matchmaking.views import (
    ActiveVm,
    ClusterView,
    DatastoreView,
    HostView,
    PendingVm,
)
from opennebula_core.model.states import (
    DatastoreState,
    DatastoreType,
    HostState,
    LcmState,
    VmState,
)
from opennebula_core.model.template import Template, Vector
from opennebula_core.scheduling.attributes import DATASTORE_SECTIONS, HOST_SECTIONS, Attributes
from opennebula_core.scheduling.numbers import number, whole_number

KIB_PER_MIB: Final = 1024

S = TypeVar("S", bound=IntEnum)

RESCHEDULABLE: Final = frozenset({LcmState.RUNNING, LcmState.UNKNOWN})
"""States of active VMs out of which a reschedule can move them. Source: OpenNebula 6.10 mm_sched."""

_TOLD_TO_USERS: Final = ("SCHED_MESSAGE", "ERROR")
_CAPACITY_NAMES: Final = ("VCPU", "PCI", "TOPOLOGY", "NUMA_NODE", "VMGROUP", "FEATURES")


def is_waiting(element: Element) -> bool:
    """Whether the VM wants a host: it is pending, or runs and is flagged to be rescheduled."""
    state = _int(element, "STATE")
    if state == VmState.PENDING:
        return True
    if _int(element, "RESCHED") != 1:
        return False
    return state == VmState.POWEROFF or (
        state == VmState.ACTIVE and _int(element, "LCM_STATE") in RESCHEDULABLE
    )


def pending_vm(element: Element, groups: Mapping[int, frozenset[int]]) -> PendingVm:
    """Return a waiting VM.

    :param element: the VM document
    :param groups: user id -> the groups of that user
    """
    template = _template(element, "TEMPLATE")
    user = _template(element, "USER_TEMPLATE")
    uid, gid = _int(element, "UID"), _int(element, "GID")
    resched = _int(element, "STATE") != VmState.PENDING
    history = element.find("HISTORY_RECORDS/HISTORY[last()]") if resched else None
    vm = PendingVm(
        id=_int(element, "ID"),
        name=element.findtext("NAME", ""),
        uid=uid,
        gid=gid,
        group_ids=groups.get(uid, frozenset()) | {gid},
        cpu_percent=round(number(template.get("CPU")) * 100),
        memory_kib=round(number(template.get("MEMORY")) * KIB_PER_MIB),
        disk_mib=0 if resched else sum(system_disk_mib(disk) for disk in template.vectors("DISK")),
        resched=resched,
        host_id=-1 if history is None else _int(history, "HID", -1),
        datastore_id=-1 if history is None else _int(history, "DS_ID", -1),
        priority=number(user.get("USER_PRIORITY")),
        stime=_int(element, "STIME"),
        automatic_requirements=template.get("AUTOMATIC_REQUIREMENTS"),
        requirements=user.get("SCHED_REQUIREMENTS"),
        rank=user.get("SCHED_RANK") or user.get("RANK"),
        automatic_ds_requirements=template.get("AUTOMATIC_DS_REQUIREMENTS"),
        ds_requirements=user.get("SCHED_DS_REQUIREMENTS"),
        ds_rank=user.get("SCHED_DS_RANK"),
        message=user.get("SCHED_MESSAGE"),
        template=template,
        user_template=user,
    )
    group = template.vector("VMGROUP")
    if group is not None:
        group_id = whole_number(group.get("VMGROUP_ID", ""), -1)
        vm = replace(vm, vm_group_id=group_id, role=group.get("ROLE", ""))
    return replace(vm, kind=_kind(vm))


def _kind(vm: PendingVm) -> Hashable:
    """Return what is equal for VMs between which no policy and no plugin's filter can tell a difference."""
    user = vm.user_template.copy()
    for name in _TOLD_TO_USERS:
        user.remove(name)
    capacity = [(name, tuple(map(str, vm.template.values(name)))) for name in _CAPACITY_NAMES]
    vectors = [
        str(sorted(vector.items())) for name in _CAPACITY_NAMES for vector in vm.template.vectors(name)
    ]
    return (
        vm.uid,
        vm.gid,
        vm.group_ids,
        vm.cpu_percent,
        vm.memory_kib,
        vm.disk_mib,
        vm.host_id,
        vm.datastore_id,
        vm.automatic_requirements,
        vm.automatic_ds_requirements,
        user.to_json(),
        tuple(capacity),
        tuple(vectors),
    )


def system_disk_mib(disk: Vector) -> int:
    """Return what a disk takes from the system datastore: volatile ones, and images copied there."""
    size_mib = whole_number(disk.get("SIZE", "")) + whole_number(disk.get("DISK_SNAPSHOT_TOTAL_SIZE", ""))
    if not disk.get("IMAGE") and not disk.get("IMAGE_ID"):
        return size_mib
    target = (
        disk.get("LN_TARGET", "NONE") if disk.get("CLONE") == "NO" else disk.get("CLONE_TARGET", "SYSTEM")
    )
    return size_mib if target == "SYSTEM" else 0


def active_vm(element: Element, first_running_stime: int) -> ActiveVm:
    """Return a VM as a lease manager sees it.

    :param first_running_stime: RSTIME of its first history record, which pools do not show
    """
    template = _template(element, "TEMPLATE")
    history = element.find("HISTORY_RECORDS/HISTORY[last()]")
    record = Element("HISTORY") if history is None else history
    return ActiveVm(
        id=_int(element, "ID"),
        name=element.findtext("NAME", ""),
        uid=_int(element, "UID"),
        state=_state(VmState, element, "STATE", VmState.INIT),
        lcm_state=_state(LcmState, element, "LCM_STATE", LcmState.LCM_INIT),
        host_id=_int(record, "HID", -1),
        cpu_percent=round(number(template.get("CPU")) * 100),
        memory_kib=round(number(template.get("MEMORY")) * KIB_PER_MIB),
        stime=_int(element, "STIME"),
        history_stime=_int(record, "STIME"),
        first_running_stime=first_running_stime,
        template=template,
        user_template=_template(element, "USER_TEMPLATE"),
    )


def host_view(element: Element, clusters: Mapping[int, ClusterView]) -> HostView:
    """Return a host; what is reserved is taken from its own template, else from its cluster's."""
    cluster = clusters.get(_int(element, "CLUSTER_ID", -1))
    cluster_template = cluster.template if cluster else Template()
    own_cluster_template = element.find("CLUSTER_TEMPLATE")
    return HostView(
        id=_int(element, "ID"),
        name=element.findtext("NAME", ""),
        state=_state(HostState, element, "STATE", HostState.INIT),
        cluster_id=_int(element, "CLUSTER_ID", -1),
        cluster=element.findtext("CLUSTER", ""),
        max_cpu_percent=_max(element, "CPU", cluster_template),
        max_memory_kib=_max(element, "MEM", cluster_template),
        cpu_usage_percent=_int(element, "HOST_SHARE/CPU_USAGE"),
        memory_usage_kib=_int(element, "HOST_SHARE/MEM_USAGE"),
        running_vms=_int(element, "HOST_SHARE/RUNNING_VMS"),
        vm_ids=frozenset(whole_number(item.text or "") for item in element.iterfind("VMS/ID")),
        free_disk_mib={
            _int(item, "ID"): _int(item, "FREE_MB") for item in element.iterfind("HOST_SHARE/DATASTORES/DS")
        },
        attributes=Attributes(
            element, HOST_SECTIONS, cluster_template if own_cluster_template is None else None
        ),
    )


def _max(element: Element, what: str, cluster: Template) -> int:
    """Return what VMs may have of a host's CPU or memory.

    Computed from the total rather than read from MAX_CPU and MAX_MEM, so that a reserve counts from the
    moment it is set and not from the host's next monitoring.
    """
    total = _int(element, f"HOST_SHARE/TOTAL_{what}")
    if not total:
        return _int(element, f"HOST_SHARE/MAX_{what}")
    reserved = element.findtext(f"TEMPLATE/RESERVED_{what}", "") or cluster.get(f"RESERVED_{what}")
    return total - reserved_amount(reserved, total)


def reserved_amount(text: str, total: int) -> int:
    """Return what RESERVED_CPU or RESERVED_MEM holds back: a number, negative to over-commit, or ``10%``."""
    text = text.strip()
    if text.endswith("%"):
        return int(total * number(text[:-1]) / 100)
    return int(number(text))


def cluster_view(element: Element) -> ClusterView:
    """Return a cluster."""
    return ClusterView(_int(element, "ID"), element.findtext("NAME", ""), _template(element, "TEMPLATE"))


def datastore_view(element: Element) -> DatastoreView | None:
    """Return a system datastore; None for datastores of other types."""
    if _int(element, "TYPE") != DatastoreType.SYSTEM_DS:
        return None
    return DatastoreView(
        id=_int(element, "ID"),
        name=element.findtext("NAME", ""),
        uid=_int(element, "UID"),
        gid=_int(element, "GID"),
        permissions=permission_bits(element),
        state=_state(DatastoreState, element, "STATE", DatastoreState.DISABLED),
        cluster_ids=frozenset(whole_number(item.text or "") for item in element.iterfind("CLUSTERS/ID")),
        tm_mad=element.findtext("TM_MAD", ""),
        is_shared=element.findtext("TEMPLATE/SHARED", "YES").upper() != "NO",
        total_mib=_int(element, "TOTAL_MB"),
        free_mib=_int(element, "FREE_MB"),
        attributes=Attributes(element, DATASTORE_SECTIONS),
    )


def permission_bits(element: Element) -> int:
    """Return an object's nine permission bits, as in ``chmod``."""
    bits = 0
    for who in ("OWNER", "GROUP", "OTHER"):
        for right in ("U", "M", "A"):
            bits = bits << 1 | (_int(element, f"PERMISSIONS/{who}_{right}") == 1)
    return bits


def _template(element: Element, tag: str) -> Template:
    found = element.find(tag)
    return Template() if found is None else Template.from_element(found)


def _int(element: Element, path: str, default: int = 0) -> int:
    return whole_number(element.findtext(path, ""), default)


def _state(states: type[S], element: Element, tag: str, otherwise: S) -> S:
    """Return a state; numbers that this release does not know, newer or reserved, count as another."""
    value = _int(element, tag)
    return next((state for state in states if state == value), otherwise)
