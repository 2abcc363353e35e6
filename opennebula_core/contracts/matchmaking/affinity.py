"""Which hosts the groups of a VM leave it, now and with all that the round has booked.

VMs that are to be together and of which none is anywhere yet are placed as one: the first of them, in the
round's order, leads. It goes to a host that has room for the sum of their needs and that every one of them
may go to; the others follow it at once.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Final, Protocol

from opennebula_core.contracts.matchmaking.groups import Terms, VmGroupView, terms_by_role
from opennebula_core.contracts.matchmaking.views import Cloud, HostView, PendingVm

NO_TERMS: Final = Terms()
HOST_AFFINED: Final = "not among the hosts of its role (HOST_AFFINED)"
HOST_ANTI_AFFINED: Final = "its role keeps off it (HOST_ANTI_AFFINED)"
AFFINE: Final = "affine with VM {} elsewhere"
ANTI_AFFINE: Final = "anti-affine with VM {}"
ON_THE_MOVE: Final = "affine with VM {} on the move"


class Places(Protocol):
    """What a round knows of places."""

    def vms_on(self, host: HostView) -> Iterable[int]:
        """Return the VMs that are on the host, or booked there."""

    def booked_host(self, vm_id: int) -> int | None:
        """Return where this round has put the VM, None: nowhere."""


class Affinity:
    """Answers for one round."""

    def __init__(self, cloud: Cloud, places: Places) -> None:
        self._cloud = cloud
        self._places = places
        self._waiting = {vm.id: vm for vm in cloud.vms}

    def stake(self, vm: PendingVm) -> Hashable:
        """Return what :meth:`reject` depends on beside single hosts, None when the VM is in no group."""
        terms = self._terms_of(vm)
        if terms is NO_TERMS:
            return None
        if not terms.together:
            return self._roles[vm.id]
        anchors = self._anchors(vm, terms)
        return vm.id, tuple((vm_id, *sorted(places)) for vm_id, places in anchors.items())

    def reject(self, vm: PendingVm, hosts: Sequence[HostView]) -> dict[int, str]:
        """Return the hosts (ids) that the VM may not go to for its groups, each with the condition.

        :param hosts: those that are asked about
        """
        terms = self._terms_of(vm)
        anchors = self._anchors(vm, terms)
        if not anchors:
            for member in self._others(vm, terms):
                terms = terms.joined(self._terms_of(member))
        failed = ((host.id, self._failed(host, terms, anchors)) for host in hosts)
        return {host_id: condition for host_id, condition in failed if condition}

    def team(self, vm: PendingVm) -> Sequence[PendingVm]:
        """Return the other waiting VMs that have to go to the same host, if this one leads them there.

        There are none when it is in no such set, or when one of the set has its place: the rest follow that.
        """
        terms = self._terms_of(vm)
        return () if self._anchors(vm, terms) else self._others(vm, terms)

    def with_team(self, vm: PendingVm) -> PendingVm:
        """Return the VM with the needs of all that it leads; itself when it leads none."""
        team = self.team(vm)
        if not team:
            return vm
        everybody = (vm, *team)
        return replace(
            vm,
            cpu_percent=sum(max(0, item.cpu_percent) for item in everybody),
            memory_kib=sum(max(0, item.memory_kib) for item in everybody),
            disk_mib=sum(max(0, item.disk_mib) for item in everybody),
        )

    def in_order(self, vms: Iterable[PendingVm]) -> Iterable[PendingVm]:
        """Return the VMs in order, but those that are led somewhere right behind the one that leads them."""
        if not self._roles:
            return vms
        given = {vm.id: vm for vm in vms}
        ordered: dict[int, PendingVm] = {}
        for vm in given.values():
            for item in (vm, *self.team(vm)):
                if item.id in given:
                    ordered.setdefault(item.id, item)
        return ordered.values()

    def _others(self, vm: PendingVm, terms: Terms) -> list[PendingVm]:
        return [
            self._waiting[vm_id]
            for vm_id in sorted(terms.together)
            if vm_id in self._waiting and vm_id != vm.id
        ]

    def _terms_of(self, vm: PendingVm) -> Terms:
        return self._terms.get(vm.id, NO_TERMS)

    @cached_property
    def _groups(self) -> list[VmGroupView]:
        """The groups, with the waiting VMs that came after they were read."""
        named: dict[int, list[tuple[int, str]]] = {}
        for vm in self._waiting.values():
            if vm.vm_group_id >= 0:
                named.setdefault(vm.vm_group_id, []).append((vm.id, vm.role))
        return [group.joined_by(named.get(group.id, ())) for group in self._cloud.vm_groups]

    @cached_property
    def _roles(self) -> dict[int, tuple[tuple[int, str], ...]]:
        """The group and role of each waiting VM that is in one; foreign front-ends know VMs in several."""
        roles: dict[int, tuple[tuple[int, str], ...]] = {}
        for group in self._groups:
            for role in group.roles.values():
                for vm_id in role.vm_ids & self._waiting.keys():
                    roles[vm_id] = (*roles.get(vm_id, ()), (group.id, role.name))
        return roles

    @cached_property
    def _terms(self) -> Mapping[int, Terms]:
        """The terms of each waiting VM that is in a group."""
        of_roles = {group.id: terms_by_role(group) for group in self._groups if self._roles}
        found: dict[int, Terms] = {}
        for vm_id, roles in self._roles.items():
            for group_id, role in roles:
                terms = of_roles[group_id][role]
                found[vm_id] = found[vm_id].joined(terms) if vm_id in found else terms
        return found

    @cached_property
    def _reported(self) -> dict[int, set[int]]:
        """The hosts that VMs of sets are on by the last report, more than one while they move."""
        members = frozenset().union(*(terms.together for terms in self._terms.values()))
        found: dict[int, set[int]] = {}
        for host in self._cloud.hosts:
            for vm_id in members & host.vm_ids:
                found.setdefault(vm_id, set()).add(host.id)
        return found

    def _anchors(self, vm: PendingVm, terms: Terms) -> dict[int, set[int]]:
        """Return the VMs that hold the set's place: id -> the hosts that it is on.

        A VM that is flagged to move holds its place against those that come, not against those that move
        too: a set that is flagged as a whole moves as a whole.
        """
        anchors: dict[int, set[int]] = {}
        for vm_id in sorted(terms.together - {vm.id}):
            booked = self._places.booked_host(vm_id)
            if booked is not None:
                anchors[vm_id] = {booked}
            elif vm_id in self._reported and not (vm.resched and vm_id in self._waiting):
                anchors[vm_id] = self._reported[vm_id]
        return anchors

    def _failed(self, host: HostView, terms: Terms, anchors: Mapping[int, set[int]]) -> str:
        """Return the condition that the host fails, an empty text when it fails none.

        The VM itself is on none of the hosts that are asked about: it waits, or shall leave the one it is on.
        """
        if terms.hosts is not None and host.id not in terms.hosts:
            return HOST_AFFINED
        if host.id in terms.not_hosts:
            return HOST_ANTI_AFFINED
        for vm_id, places in anchors.items():
            if len(places) > 1:
                return ON_THE_MOVE.format(vm_id)
            if host.id not in places:
                return AFFINE.format(vm_id)
        there = terms.apart.intersection(self._places.vms_on(host)) if terms.apart else None
        return ANTI_AFFINE.format(min(there)) if there else ""
