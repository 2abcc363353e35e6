"""VMs of groups go where a plain, slow scheduler puts them, which asks about every pair of VMs."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest

from opennebula_core.contracts.scheduler import (
    Cloud,
    HostView,
    Migration,
    PendingVm,
    Placement,
    RoleView,
    Round,
    VmGroupView,
)
from opennebula_core.testing.scheduler import (
    GIB,
    make_cloud,
    make_host,
    make_round,
    make_vm,
    make_vm_group,
    policy_context,
)
from opennebula_sched_default import DefaultPolicy

ROLES = "abcd"


def random_cloud(dice: random.Random) -> Cloud:
    """Return hosts with VMs, some of which are in groups, and VMs that wait, some of which are flagged."""
    host_ids = range(dice.randint(1, 6))
    where = {vm_id: dice.choice(host_ids) for vm_id in range(100, 100 + dice.randint(0, 6))}
    role_of = {vm_id: (0, dice.choice(ROLES)) for vm_id in where if dice.random() < 0.7}
    waiting = [random_vm(dice, vm_id) for vm_id in range(dice.randint(1, 14))]
    role_of |= {vm.id: (vm.vm_group_id, vm.role) for vm in waiting if vm.role}
    flagged = [vm_id for vm_id in where if dice.random() < 0.4]
    waiting += [
        make_vm(
            vm_id,
            resched_from=where[vm_id],
            vm_group_id=role_of.get(vm_id, (-1, ""))[0],
            role=role_of.get(vm_id, (-1, ""))[1],
        )
        for vm_id in flagged
    ]
    hosts = [
        make_host(
            host_id,
            max_cpu_percent=dice.choice([200, 300, 900]),
            vm_ids=[vm_id for vm_id, its_host in where.items() if its_host == host_id],
            RACK=dice.randint(0, 2),
        )
        for host_id in host_ids
    ]
    return make_cloud(
        waiting, hosts, vm_groups=[random_group(dice, 0, role_of), random_group(dice, 1, role_of)]
    )


def random_vm(dice: random.Random, vm_id: int) -> PendingVm:
    group_id, role = dice.choice([(0, ROLES), (0, ROLES), (1, ROLES), (-1, " ")])
    role = dice.choice(role).strip()
    cpu_percent, requirements = dice.choice([(100, ""), (50, ""), (100, "RACK > 0")])
    return make_vm(
        vm_id,
        cpu_percent=cpu_percent,
        memory_kib=GIB // 8,
        requirements=requirements,
        priority=dice.choice([0, 0, 0, 3]),
        vm_group_id=group_id,
        role=role,
        kind=(cpu_percent, requirements, group_id, role),
    )


def random_group(dice: random.Random, group_id: int, role_of: dict[int, tuple[int, str]]) -> VmGroupView:
    roles = [
        RoleView(
            name,
            dice.choice(["", "NONE", "AFFINED", "ANTI_AFFINED"]),
            host_affined=frozenset(dice.choice([(), (), (), (0, 1, 2)])),
            host_anti_affined=frozenset(dice.choice([(), (), (), (1,)])),
            vm_ids=frozenset(vm_id for vm_id, role in role_of.items() if role == (group_id, name)),
        )
        for name in ROLES
    ]
    rules = ["a,b", "b,c", "c,d", "a,d"]
    return make_vm_group(
        group_id,
        *roles,
        affined=[rule for rule in rules if dice.random() < 0.2],
        anti_affined=[rule for rule in rules if dice.random() < 0.2],
    )


class PlainScheduler:
    """Looks at every host and at every pair of VMs, afresh for each VM; knows CPU and one requirement."""

    def __init__(self, round: Round) -> None:
        self.cloud = round.cloud
        self.waiting = {vm.id: vm for vm in round.cloud.vms}
        self.order = list(round.vms)
        self.booked: dict[int, int] = {}
        self.role_of = {
            vm_id: (group, role)
            for group in round.cloud.vm_groups
            for role in group.roles.values()
            for vm_id in role.vm_ids
        }

    def decide(self) -> Iterator[tuple[int, int]]:
        """Yield VM and host of each placement."""
        queue = [item for vm in self.order for item in (vm, *self.led_by(vm))]
        for vm in dict.fromkeys(queue):
            hosts = [host for host in self.cloud.hosts if self.may_go(vm, host)]
            if hosts:
                best = min(hosts, key=lambda host: (len(self.vms_on(host)), host.id))
                self.booked[vm.id] = best.id
                yield vm.id, best.id

    def are_together(self, one: int, other: int) -> bool:
        """Whether rules hold two VMs together, perhaps over the roles of others."""
        if one not in self.role_of or other not in self.role_of:
            return False
        group, role = self.role_of[one]
        other_group, other_role = self.role_of[other]
        if group is not other_group:
            return False
        if role is other_role and role.policy == "AFFINED":
            return True
        reached = {role.name}
        for _ in group.roles:
            reached |= {name for rule in group.affined if rule & reached for name in rule}
        return other_role.name in reached and any(role.name in rule for rule in group.affined)

    def are_apart(self, one: int, other: int) -> bool:
        if one not in self.role_of or other not in self.role_of:
            return False
        (group, role), (other_group, other_role) = self.role_of[one], self.role_of[other]
        if group is not other_group:
            return False
        if role is other_role:
            return role.policy == "ANTI_AFFINED"
        return any({role.name, other_role.name} <= rule for rule in group.anti_affined)

    def place_for(self, vm: PendingVm, other: int) -> int | None:
        """Return the host that another VM holds for this one."""
        if other in self.booked:
            return self.booked[other]
        if vm.resched and other in self.waiting:
            return None
        return next((host.id for host in self.cloud.hosts if other in host.vm_ids), None)

    def bound(self, vm: PendingVm) -> list[int]:
        return [vm_id for vm_id in sorted(self.role_of) if vm_id != vm.id and self.are_together(vm.id, vm_id)]

    def led_by(self, vm: PendingVm) -> Sequence[PendingVm]:
        bound = self.bound(vm)
        if any(self.place_for(vm, vm_id) is not None for vm_id in bound):
            return []
        return [self.waiting[vm_id] for vm_id in bound if vm_id in self.waiting]

    def may_go(self, vm: PendingVm, host: HostView) -> bool:
        places = {self.place_for(vm, vm_id) for vm_id in self.bound(vm)} - {None}
        everybody = [vm, *self.led_by(vm)]
        load = sum(self.waiting[vm_id].cpu_percent for vm_id, its in self.booked.items() if its == host.id)
        return (
            places <= {host.id}
            and sum(item.cpu_percent for item in everybody) <= host.max_cpu_percent - load
            and all(self.is_open(item, host) for item in everybody)
            and not any(self.are_apart(item.id, there) for item in everybody for there in self.vms_on(host))
        )

    def is_open(self, vm: PendingVm, host: HostView) -> bool:
        if vm.requirements and int(host.attributes("RACK")[0]) <= 0:
            return False
        if vm.resched and vm.host_id == host.id:
            return False
        if vm.id not in self.role_of:
            return True
        role = self.role_of[vm.id][1]
        return host.id not in role.host_anti_affined and (
            not role.host_affined or host.id in role.host_affined
        )

    def vms_on(self, host: HostView) -> list[int]:
        return [*host.vm_ids, *(vm_id for vm_id, its_host in self.booked.items() if its_host == host.id)]


@pytest.mark.parametrize("seeds", [range(start, start + 40) for start in range(0, 400, 40)], ids=str)
def test_vms_of_groups_go_where_the_plain_scheduler_puts_them(seeds: range) -> None:
    for seed in seeds:
        cloud = random_cloud(random.Random(seed))
        policy = DefaultPolicy(policy_context("default", policy="striping"))
        round = make_round(policy, cloud)
        placed = []
        for decision in policy.decide(round):
            round.settle(decision)
            if isinstance(decision, Placement | Migration):
                placed.append((decision.vm_id, decision.host_id))
        assert placed == list(PlainScheduler(make_round(policy, cloud)).decide()), f"seed {seed}"
