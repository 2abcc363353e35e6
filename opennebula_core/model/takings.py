"""What VMs and images take of their owners' quotas. Source of the rules: OpenNebula 6.10.

A function of the object as it is: whatever changes it, what it takes is counted anew when it is saved.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from opennebula_core.model.objects import Vm
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.model.template import Vector

L = LcmState  # the list is read more often than this line
AT_REST: Final = frozenset(
    [
        L.EPILOG, L.EPILOG_FAILURE, L.EPILOG_STOP, L.EPILOG_STOP_FAILURE, L.EPILOG_UNDEPLOY,
        L.EPILOG_UNDEPLOY_FAILURE, L.CLEANUP_DELETE,
        L.PROLOG_MIGRATE_POWEROFF, L.PROLOG_MIGRATE_POWEROFF_FAILURE, L.PROLOG_MIGRATE_SUSPEND,
        L.PROLOG_MIGRATE_SUSPEND_FAILURE,
        L.HOTPLUG_PROLOG_POWEROFF, L.HOTPLUG_EPILOG_POWEROFF, L.HOTPLUG_NIC_POWEROFF,
        L.HOTPLUG_SAVEAS_POWEROFF, L.HOTPLUG_SAVEAS_SUSPENDED, L.HOTPLUG_SAVEAS_UNDEPLOYED,
        L.HOTPLUG_SAVEAS_STOPPED,
        L.DISK_SNAPSHOT_POWEROFF, L.DISK_SNAPSHOT_REVERT_POWEROFF, L.DISK_SNAPSHOT_DELETE_POWEROFF,
        L.DISK_SNAPSHOT_SUSPENDED, L.DISK_SNAPSHOT_DELETE_SUSPENDED,
        L.DISK_RESIZE_POWEROFF, L.DISK_RESIZE_UNDEPLOYED, L.BACKUP_POWEROFF, L.RESTORE,
    ]
)  # fmt: skip
"""ACTIVE, but no guest runs or will: VMs that end or whose disks are worked on do not count as running."""
RUNNING_STATES: Final = frozenset(
    [VmState.PENDING, VmState.HOLD, VmState.CLONING, VmState.CLONING_FAILURE, VmState.ACTIVE]
)
"""In OpenNebula, too, who waits for a host counts as running, so that no placement can be refused for it."""
NOTHING: Final = "[]"

Share = tuple[str, int, int, int]
"""Resource, its id, number (of leases, images, VMs), MiB."""


class Counted(IntEnum):
    """How a VM counts in its owner's VM quotas."""

    NOT = 0
    AT_REST = 1
    RUNNING = 2


@dataclass(frozen=True, slots=True)
class Taken:
    """What one object takes, and of whose quotas.

    :param vm: in the order of the VM metrics, empty when it is no VM
    """

    uid: int
    gid: int
    vm: tuple[int, ...]
    shares: tuple[Share, ...]


def counted_as(state: VmState, lcm_state: LcmState) -> Counted:
    """Return how a VM in this place counts."""
    if state in (VmState.DONE, VmState.INIT):
        return Counted.NOT
    runs = state in RUNNING_STATES and lcm_state not in AT_REST
    return Counted.RUNNING if runs else Counted.AT_REST


def system_disk_mib(vm: Vm) -> int:
    """Return what the VM's disks take of system datastores."""
    return sum([_size_mib(disk) for disk in vm.template.vectors("DISK") if _is_in_system(disk)])


def shares_text(vm: Vm) -> str:
    """Return what a VM that has not ended takes of networks, images and datastores: JSON, sorted.

    At every change of a VM, so written without the detour of a JSON encoder.
    """
    leases: dict[str, int] = {}
    rooms: dict[str, int] = {}
    images: set[str] = set()
    for nic in vm.template.vectors("NIC"):
        network_id = nic.get("NETWORK_ID", "")
        if network_id.isdecimal():
            leases[network_id] = leases.get(network_id, 0) + 1
    for disk in vm.template.vectors("DISK"):
        if "IMAGE_ID" in disk:
            images.add(disk["IMAGE_ID"])
            if room_mib := _room_in_own_mib(disk):
                datastore_id = disk["DATASTORE_ID"]
                rooms[datastore_id] = rooms.get(datastore_id, 0) + room_mib
    shares = [f'["DATASTORE",{number},0,{rooms[number]}]' for number in sorted(rooms, key=int)]
    shares += [f'["IMAGE",{number},1,0]' for number in sorted(images, key=int)]
    shares += [f'["NETWORK",{number},{leases[number]},0]' for number in sorted(leases, key=int)]
    return f"[{','.join(shares)}]"


def vm_amounts(counted: int, cpu_percent: int, memory_mib: int, disk_mib: int) -> tuple[int, ...]:
    """Return the amounts of a VM in the order of the VM metrics."""
    alive, runs = counted > Counted.NOT, counted == Counted.RUNNING
    return (
        1 * alive, 1 * runs, cpu_percent * alive, cpu_percent * runs, memory_mib * alive, memory_mib * runs,
        disk_mib * alive,
    )  # fmt: skip


def _size_mib(disk: Vector) -> int:
    return _number(disk.get("SIZE", "")) + _number(disk.get("DISK_SNAPSHOT_TOTAL_SIZE", ""))


def _room_in_own_mib(disk: Vector) -> int:
    """Return what a disk takes of its image's datastore: a copy all, the image itself by what it grows."""
    if disk.get("CLONE") == "YES":
        return _size_mib(disk) if disk.get("CLONE_TARGET") == "SELF" else 0
    return max(_number(disk.get("SIZE", "")) - _number(disk.get("ORIGINAL_SIZE", "")), 0)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _is_in_system(disk: Vector) -> bool:
    if "IMAGE_ID" not in disk:
        return True
    return disk.get("CLONE_TARGET" if disk.get("CLONE") == "YES" else "LN_TARGET") == "SYSTEM"
