"""The contract of information drivers: what a host and its guests are doing."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from opennebula_core.contracts.driver import Driver
from opennebula_core.contracts.vmm import GuestState


@dataclass(frozen=True, slots=True)
class MonitoredHost:
    """The host to look at.

    :param document: the HOST document, root element ``HOST``
    """

    host_id: int
    name: str
    document: Element


@dataclass(frozen=True, slots=True)
class GuestReport:
    """One guest found on a host.

    :param vm_id: the VM's id, -1 for a guest that the cloud did not start
    :param cpu_percent: of one core, 100 is a core fully used
    :param net_rx_bytes: since the guest's start, as are the other counters
    """

    vm_id: int
    deploy_id: str
    state: GuestState
    cpu_percent: float = 0.0
    memory_kib: int = 0
    net_rx_bytes: int = 0
    net_tx_bytes: int = 0
    disk_read_bytes: int = 0
    disk_write_bytes: int = 0
    disk_read_ops: int = 0
    disk_write_ops: int = 0
    disk_sizes_mib: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class DatastoreReport:
    """Room in one datastore folder of a host, in MiB."""

    datastore_id: int
    total_mib: int
    used_mib: int
    free_mib: int


@dataclass(frozen=True, slots=True)
class HostReport:
    """What one look at a host found. Units: CPU in percent (100 is a core), memory in KiB, disk in MiB.

    :param attributes: any further attribute (ARCH, HYPERVISOR, ...), usable in requirements and ranks
    :param complete: the guests are all there are: a VM of the host that is missing counts as powered off. A
        driver that does not look for guests says False
    """

    total_cpu_percent: int
    used_cpu_percent: int
    total_memory_kib: int
    used_memory_kib: int
    attributes: tuple[tuple[str, str], ...] = ()
    guests: tuple[GuestReport, ...] = ()
    datastores: tuple[DatastoreReport, ...] = ()
    disk_total_mib: int = 0
    disk_used_mib: int = 0
    disk_free_mib: int = 0
    net_rx_bytes: int = 0
    net_tx_bytes: int = 0
    complete: bool = True


class ImDriver(Driver):
    """Looks at hosts. The process keeps the periods; the driver answers one look at a time per host."""

    @abstractmethod
    def probe(self, host: MonitoredHost) -> Awaitable[HostReport] | HostReport:
        """Look at the host once, in one remote call.

        :raises DriverError: the host cannot be reached or answered rubbish; it goes to ERROR
        """
