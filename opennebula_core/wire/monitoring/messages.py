"""What monitoring tells the core: one model, whatever release the information driver is from."""

from __future__ import annotations

from dataclasses import dataclass

from opennebula_core.contracts.vmm import GuestState
from opennebula_core.model.template import Template


@dataclass(frozen=True, slots=True)
class HostBeacon:
    """The host is alive.

    :param timestamp: epoch seconds at the sender, 0 when unknown; so in all messages
    """

    host_id: int
    timestamp: int


@dataclass(frozen=True, slots=True)
class HostSystem:
    """What does not change from minute to minute: TOTALCPU, TOTALMEMORY, ARCH, HYPERVISOR, ..."""

    host_id: int
    timestamp: int
    attributes: Template


@dataclass(frozen=True, slots=True)
class HostCapacity:
    """What is in use: USEDCPU, FREECPU (percent), USEDMEMORY, FREEMEMORY (KiB), NETRX, NETTX (bytes), ..."""

    host_id: int
    timestamp: int
    attributes: Template


@dataclass(frozen=True, slots=True)
class HostFailed:
    """The host could not be looked at; ``text`` says why."""

    host_id: int
    timestamp: int
    text: str


@dataclass(frozen=True, slots=True)
class VmFound:
    """A guest on a host; ``vm_id`` is -1 for one that the cloud did not start."""

    vm_id: int
    deploy_id: str
    state: GuestState


@dataclass(frozen=True, slots=True)
class VmStates:
    """Guests of a host and their states.

    :param sync: the list is complete: a VM of the host that is missing has the state ``missing``
    """

    host_id: int
    timestamp: int
    vms: tuple[VmFound, ...]
    sync: bool = False
    missing: GuestState = GuestState.POWEROFF


@dataclass(frozen=True, slots=True)
class VmSample:
    """What a guest used: CPU (percent of a core), MEMORY (KiB), NETRX, NETTX, DISKRDBYTES, ..."""

    vm_id: int
    deploy_id: str
    attributes: Template


@dataclass(frozen=True, slots=True)
class VmMetrics:
    """What the guests of a host used."""

    host_id: int
    timestamp: int
    samples: tuple[VmSample, ...]


MonitorMessage = HostBeacon | HostSystem | HostCapacity | HostFailed | VmStates | VmMetrics
