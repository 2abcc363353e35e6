"""Where a VM may go: the host and the system datastore of a placement, checked."""

from __future__ import annotations

from dataclasses import dataclass

from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError
from opennebula_core.model.objects import Datastore, Host, Vm
from opennebula_core.model.states import DatastoreState, DatastoreType, HostState

_KIB_PER_MIB = 1024


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a VM shall go. ``datastore_id`` -1 lets the core choose; ``enforce`` checks the capacity."""

    host_id: int
    datastore_id: int = -1
    enforce: bool = False


def destination(
    tx: Transaction, vm: Vm, placement: Placement, default_datastore_id: int = -1
) -> tuple[Host, Datastore]:
    """Return host and system datastore of a placement.

    :param default_datastore_id: taken when the placement names none; -1: the first one that the host can use
    :raises ActionError: the host is offline or full, or cannot use the datastore
    """
    host = tx.hosts.get(placement.host_id)
    if host.state is HostState.OFFLINE:
        raise ActionError(f"Could not deploy VM on host {host.id}: it is offline", host.id)
    if placement.enforce:
        check_capacity(host, vm)
    wanted = placement.datastore_id if placement.datastore_id >= 0 else default_datastore_id
    return host, _named_datastore(tx, host, wanted) if wanted >= 0 else _any_datastore(tx, host)


def check_capacity(host: Host, vm: Vm) -> None:
    """Check that a host has room for what a VM asks for, which it does not count yet.

    :raises ActionError: it has not
    """
    if (
        host.cpu_usage + vm.cpu_percent > host.max_cpu
        or host.mem_usage + vm.memory_mib * _KIB_PER_MIB > host.max_mem
    ):
        raise ActionError(f"Host {host.id} does not have enough capacity for VM {vm.id}.", host.id)


def _named_datastore(tx: Transaction, host: Host, datastore_id: int) -> Datastore:
    datastore = tx.datastores.get(datastore_id)
    if datastore.type is not DatastoreType.SYSTEM_DS:
        raise ActionError(
            f"Trying to use an image datastore {datastore_id} as a system datastore", datastore_id
        )
    if host.cluster_id not in datastore.cluster_ids:
        raise ActionError(
            f"Host {host.id} and system datastore {datastore_id} are not in the same cluster", datastore_id
        )
    return datastore


def _any_datastore(tx: Transaction, host: Host) -> Datastore:
    for datastore in tx.datastores.where(
        "type = ? AND state = ? ORDER BY id", (DatastoreType.SYSTEM_DS, DatastoreState.READY)
    ):
        if host.cluster_id in datastore.cluster_ids:
            return datastore
    raise ActionError(f"No suitable system datastore found for cluster {host.cluster_id}; add one", host.id)
