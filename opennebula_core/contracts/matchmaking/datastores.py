"""Choosing the system datastore of a VM, for any policy."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final

from opennebula_core.contracts.matchmaking.matching import Matcher
from opennebula_core.contracts.matchmaking.round import Round
from opennebula_core.contracts.matchmaking.views import DatastoreView, HostView, Lookup, PendingVm
from opennebula_core.errors import ExpressionError
from opennebula_core.model.states import DatastoreState

LEAVE_TO_CORE: Final = -1


class DatastoreChooser:
    """Chooses among the system datastores that a VM may use, those with the highest rank first."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self._round: Round | None = None
        self._allowed: dict[Hashable, Sequence[DatastoreView]] = {}

    def choose(self, vm: PendingVm, host: HostView, round: Round, rank: str) -> int | None:
        """Return the id of the best datastore in the host's cluster with room for the VM, or None.

        A datastore that nobody has measured counts as large enough. Without any system datastore in sight
        the choice is left to the core.

        :param rank: the rank expression for VMs without SCHED_DS_RANK
        """
        if not round.cloud.datastores:
            return LEAVE_TO_CORE
        needs = round.affinity.with_team(vm)
        fitting = [
            datastore
            for datastore in self._for_vm(vm, round)
            if host.cluster_id in datastore.cluster_ids and has_room(needs, datastore, host, round)
        ]
        if vm.resched:
            same = [datastore for datastore in fitting if datastore.id == vm.datastore_id]
            return vm.datastore_id if same else None
        if not fitting:
            return None
        if len(fitting) == 1:
            return fitting[0].id
        rank = vm.ds_rank or rank
        ranks = {
            item.id: self._matcher.rank_of(rank, _lookup(item, round.free_disk_mib(item, host)))
            for item in fitting
        }
        return min(ranks, key=lambda datastore_id: (-ranks[datastore_id], datastore_id))

    def _for_vm(self, vm: PendingVm, round: Round) -> Sequence[DatastoreView]:
        """Return what the VM may use by state, permissions and requirements: asked once a round and kind."""
        if self._round is not round:
            self._round = round
            self._allowed = {}
        kind = vm.id if vm.kind is None else vm.kind
        allowed = self._allowed.get(kind)
        if allowed is None:
            allowed = self._allowed[kind] = [
                datastore for datastore in round.cloud.datastores if self._is_allowed(vm, datastore, round)
            ]
        return allowed

    def _is_allowed(self, vm: PendingVm, datastore: DatastoreView, round: Round) -> bool:
        if datastore.state is not DatastoreState.READY:
            return False
        if not round.cloud.access.may_use_datastore(vm, datastore):
            return False
        try:
            return self._matcher.meets(
                vm.automatic_ds_requirements, datastore.attributes
            ) and self._matcher.meets(vm.ds_requirements, datastore.attributes)
        except ExpressionError:  # a broken requirement is met by nothing
            return False


def has_room(vm: PendingVm, datastore: DatastoreView, host: HostView, round: Round) -> bool:
    """Whether the VM's disks fit into the datastore; what asks for nothing always fits."""
    if vm.disk_mib <= 0:
        return True
    free_mib = round.free_disk_mib(datastore, host)
    return free_mib is None or vm.disk_mib <= free_mib


def _lookup(datastore: DatastoreView, free_mib: int | None) -> Lookup:
    """Return the datastore's attributes with what is free now, the bookings of the round included."""

    def lookup(name: str) -> Sequence[str]:
        if name == "FREE_MB" and free_mib is not None:
            return (str(free_mib),)
        return datastore.attributes(name)

    return lookup
