"""What makes one layout better than another: the same figures for the heuristic and for the exact solver."""

from __future__ import annotations

from typing import Final

from opennebula_core.scheduling.rebalancing.problem import KIB_PER_GIB, Amount, Goal, Guest, Layout, Problem

MOVE_COST: Final = 0.005
"""What a move has to bring: half a percent of one host's room, or a part of a host that becomes empty."""
GIB_COST: Final = 0.0005
"""What each GiB of memory that is carried over the network has to bring besides."""


def move_cost(guest: Guest) -> float:
    """Return what it costs to move a VM, by its memory."""
    return MOVE_COST + GIB_COST * guest.asked.memory_kib / KIB_PER_GIB


def deviation(problem: Problem, host_id: int, load: Amount) -> float:
    """Return how far a host with a load is from the level of the cluster, summed over what is balanced."""
    room = problem.machine_by_id[host_id].room
    return sum(
        abs(load.of(resource) / room.of(resource) - problem.level[resource])
        for resource in problem.resources
        if room.of(resource) > 0
    )


def imbalance(layout: Layout) -> float:
    """Return the sum of all hosts' deviations."""
    return sum(deviation(layout.problem, host_id, load) for host_id, load in layout.load.items())


def hosts_in_use(layout: Layout) -> int:
    """Return on how many hosts there are VMs."""
    return sum(layout.is_used(machine.id) for machine in layout.problem.machines)


def cost(layout: Layout) -> float:
    """Return what a plan brings down: imbalance or hosts in use, and the cost of the moves."""
    is_pack = layout.problem.goal is Goal.PACK
    wanted = float(hosts_in_use(layout)) if is_pack else imbalance(layout)
    return wanted + sum(map(move_cost, layout.moved()))
