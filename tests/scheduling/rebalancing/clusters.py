"""Clusters made by hand, to be rebalanced."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Sequence

from opennebula_core.scheduling.rebalancing.problem import (
    KIB_PER_GIB,
    Amount,
    Goal,
    Guest,
    Machine,
    Problem,
    Staying,
)


def machine(host_id: int, *, cpu: int = 400, gib: int = 8, takes: bool = True) -> Machine:
    """Return a host that is still empty."""
    return Machine(host_id, f"host{host_id}", Amount(cpu, gib * KIB_PER_GIB), Amount(), Amount(), takes)


def guest(
    vm_id: int,
    host_id: int,
    *,
    cpu: int = 100,
    gib: int = 1,
    targets: Collection[int] = frozenset(range(1_000)),
    apart: Collection[int] = (),
) -> Guest:
    """Return a VM that loads its host with what it asked for."""
    amount = Amount(cpu, gib * KIB_PER_GIB)
    return Guest(vm_id, f"vm{vm_id}", host_id, amount, amount, frozenset(targets), frozenset(apart))


def cluster(
    machines: Sequence[Machine],
    guests: Sequence[Guest],
    *,
    goal: Goal = Goal.BALANCE,
    max_moves: int = 0,
    held: Iterable[int] = (),
) -> Problem:
    """Return the problem: hosts with what their VMs take, and targets that are hosts of the cluster.

    :param held: hosts on which a VM stays that takes nothing
    """
    taken = {item.id: Amount() for item in machines}
    for vm in guests:
        taken[vm.host_id] = taken[vm.host_id].plus(vm.asked)
    return Problem(
        [Machine(m.id, m.name, m.room, taken[m.id], taken[m.id], m.takes) for m in machines],
        [
            Guest(
                vm.id,
                vm.name,
                vm.host_id,
                vm.asked,
                vm.load,
                vm.targets & taken.keys() - {vm.host_id},
                vm.apart,
            )
            for vm in guests
        ],
        [Staying(10_000 + host_id, host_id, "it stays") for host_id in held],
        goal=goal,
        max_moves=max_moves,
    )


def make_large_cluster(hosts: int, vms: int, goal: Goal) -> Problem:
    """Return a cluster with VMs of many sizes, the low hosts fuller than the high ones."""
    dice = random.Random(7)
    machines = [machine(number, cpu=6_400, gib=256) for number in range(hosts)]
    guests = [
        guest(
            number,
            min(dice.randrange(hosts), dice.randrange(hosts)),
            cpu=dice.choice((50, 100, 200, 400)),
            gib=dice.choice((1, 2, 4, 8)),
            targets=range(hosts),
        )
        for number in range(vms)
    ]
    return cluster(machines, guests, goal=goal)
