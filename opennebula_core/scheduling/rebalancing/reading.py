"""From the API to a problem: only calls and elements of OpenNebula 6.10, so that its front-end serves too."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.client import Client
from opennebula_core.contracts.driver import DriverContext
from opennebula_core.contracts.matchmaking.views import HostView, PendingVm
from opennebula_core.contracts.scheduler import Extensions, Round, SchedulerPolicy
from opennebula_core.errors import NotFoundError
from opennebula_core.model.states import VmState
from opennebula_core.scheduling.collector import Collector
from opennebula_core.scheduling.numbers import number, whole_number
from opennebula_core.scheduling.reader import pending_vm
from opennebula_core.scheduling.rebalancing.affinity import Affinity
from opennebula_core.scheduling.rebalancing.problem import (
    Amount,
    Goal,
    Guest,
    Machine,
    Problem,
    Resource,
    Staying,
)
from opennebula_core.scheduling.rebalancing.staying import reason_to_stay, vms_named

ALL_VISIBLE: Final = -2


class Measure(StrEnum):
    """What counts as the load of a host."""

    ASKED = "asked"
    MEASURED = "measured"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants of a cluster.

    :param max_moves: 0 is no limit
    :param live: moves are live
    :param local_disks: VMs whose disks are on their host move too, with all their data
    """

    cluster_id: int
    goal: Goal = Goal.BALANCE
    resources: Sequence[Resource] = tuple(Resource)
    measure: Measure = Measure.ASKED
    max_moves: int = 0
    live: bool = True
    local_disks: bool = False


def read_problem(client: Client, wish: Wish, extensions: Extensions | None = None) -> Problem:
    """Return the cluster as it is, with what may be done about it.

    :param extensions: the filters of plugins
    :raises NotFoundError: there is no such cluster
    :raises ClientError: the API cannot be reached
    """
    return _Reading(client, wish, extensions).problem()


class _Reading:
    def __init__(self, client: Client, wish: Wish, extensions: Extensions | None) -> None:
        self._client = client
        self._wish = wish
        cloud = Collector(client).cloud()
        if wish.cluster_id not in cloud.clusters:
            raise NotFoundError(f"Error getting cluster [{wish.cluster_id}].", wish.cluster_id)
        self._hosts = [host for host in cloud.hosts if host.cluster_id == wish.cluster_id]
        self._datastores = {datastore.id: datastore for datastore in cloud.datastores}
        self._policy = SchedulerPolicy(DriverContext("rebalancing", Path()))
        self._round = Round(cloud, (), extensions=extensions)
        self._affinity = Affinity.from_pool(client.element("one.vmgrouppool.info", ALL_VISIBLE, -1, -1))
        self._suitable: dict[Hashable, frozenset[int]] = {}

    def problem(self) -> Problem:
        """Return it."""
        found = self._vms()
        stays = self._reasons(found)
        guests = [self._guest(element, vm) for vm_id, (element, vm) in found.items() if not stays[vm_id]]
        moving = {guest.id for guest in guests}
        staying = [
            Staying(vm_id, host.id, stays.get(vm_id) or "it does not run")
            for host in self._hosts
            for vm_id in sorted(host.vm_ids - moving)
        ]
        wish = self._wish
        return Problem(
            [self._machine(host) for host in self._hosts],
            guests,
            staying,
            wish.goal,
            wish.resources,
            wish.max_moves,
        )

    def _vms(self) -> Mapping[int, tuple[Element, PendingVm]]:
        """Return the active VMs on hosts of the cluster, by id."""
        pool = self._client.element("one.vmpool.infoextended", ALL_VISIBLE, -1, -1, int(VmState.ACTIVE))
        host_ids = {host.id for host in self._hosts}
        elements = [
            element
            for element in pool.iterfind("VM")
            if whole_number(element.findtext("HISTORY_RECORDS/HISTORY[last()]/HID", ""), -1) in host_ids
        ]
        groups = self._groups({whole_number(element.findtext("UID", ""), -1) for element in elements})
        pairs = [(element, pending_vm(element, groups)) for element in elements]
        return {vm.id: (element, vm) for element, vm in pairs}

    def _groups(self, user_ids: Collection[int]) -> Mapping[int, frozenset[int]]:
        pool = self._client.element("one.userpool.info")
        return {
            user_id: frozenset(
                whole_number(item.text or "", -1)
                for item in (*user.iterfind("GROUPS/ID"), *user.iterfind("GID"))
            )
            for user in pool.iterfind("USER")
            if (user_id := whole_number(user.findtext("ID", ""), -1)) in user_ids
        }

    def _reasons(self, found: Mapping[int, tuple[Element, PendingVm]]) -> dict[int, str]:
        """Return for each VM why it stays, empty when it may move."""
        named = vms_named(vm for _, vm in found.values())
        reasons: dict[int, str] = {}
        for vm_id, (element, vm) in found.items():
            datastore = self._datastores.get(vm.datastore_id)
            has_reach = self._wish.local_disks or datastore is None or datastore.is_shared
            reasons[vm_id] = reason_to_stay(element, vm, live=self._wish.live, has_reach=has_reach)
            if not reasons[vm_id] and vm_id in named:
                reasons[vm_id] = "requirements of another VM name it"
            if not reasons[vm_id] and vm_id in self._affinity.together:
                reasons[vm_id] = "its group keeps it together with others"
        return reasons

    def _guest(self, element: Element, vm: PendingVm) -> Guest:
        asked = Amount(vm.cpu_percent, vm.memory_kib)
        targets = self._affinity.targets(vm.id, self._suitable_hosts(vm) - {vm.host_id})
        return Guest(
            vm.id,
            vm.name,
            vm.host_id,
            asked,
            self._load(element, asked),
            targets,
            frozenset(self._affinity.apart.get(vm.id, ())),
            vm.datastore_id,
        )

    def _load(self, element: Element, asked: Amount) -> Amount:
        if self._wish.measure is Measure.ASKED:
            return asked
        cpu, memory = (element.findtext(f"MONITORING/{name}", "") for name in ("CPU", "MEMORY"))
        return Amount(number(cpu, asked.cpu_percent), number(memory, asked.memory_kib))

    def _machine(self, host: HostView) -> Machine:
        asked = Amount(host.cpu_usage_percent, host.memory_usage_kib)
        room = Amount(host.max_cpu_percent, host.max_memory_kib)
        load = asked
        if self._wish.measure is Measure.MEASURED:
            load = Amount(
                _measured(host, "USED_CPU", asked.cpu_percent),
                _measured(host, "USED_MEMORY", asked.memory_kib),
            )
        return Machine(host.id, host.name, room, asked, load, host.is_enabled)

    def _suitable_hosts(self, vm: PendingVm) -> frozenset[int]:
        """Return the hosts that the VM may be on by rights, requirements, datastore and plugins' filters."""
        key = (
            vm.uid,
            vm.group_ids,
            vm.datastore_id,
            vm.automatic_requirements,
            vm.requirements,
            vm.automatic_ds_requirements,
            vm.ds_requirements,
            vm.user_template.to_json(),
        )
        found = self._suitable.get(key)
        if found is None:
            found = self._suitable[key] = self._find_suitable(replace(vm, host_id=-1, kind=key))
        return found

    def _find_suitable(self, vm: PendingVm) -> frozenset[int]:
        hosts, _ = self._policy.suitable(vm, self._hosts, self._round)
        vetoes = self._round.extensions.reject(vm, hosts)
        return frozenset(
            host.id
            for host in hosts
            if host.id not in vetoes and self._policy.choose_datastore(vm, host, self._round) is not None
        )


def _measured(host: HostView, name: str, otherwise: float) -> float:
    values = host.attributes(name)
    return number(values[0], otherwise) if values else otherwise
