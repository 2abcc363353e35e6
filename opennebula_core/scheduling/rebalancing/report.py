"""A plan as JSON: what the program prints, the core and the commands keep, and people are shown."""

from __future__ import annotations

from opennebula_core.scheduling.rebalancing.planning import Found, figures
from opennebula_core.scheduling.rebalancing.problem import Problem, Resource
from opennebula_core.scheduling.rebalancing.reading import Wish


def report(found: Found, wish: Wish) -> dict[str, object]:
    """Return all there is to know about a plan; hosts, moves and VMs are lists of flat objects."""
    problem = found.problem
    return {
        "cluster_id": wish.cluster_id,
        "goal": str(wish.goal),
        "measure": str(wish.measure),
        "resources": [str(resource) for resource in wish.resources],
        "live": wish.live,
        "solver": str(found.solver),
        "before": figures(found.before),
        "after": figures(found.after),
        "hosts": [_host(problem, found, machine.id) for machine in problem.machines],
        "moves": _moves(found),
        "emptied": [
            machine.name
            for machine in problem.machines
            if found.before.is_used(machine.id) and not found.after.is_used(machine.id)
        ],
        "left_out": [
            {"vm_id": vm_id, "name": problem.guest_by_id[vm_id].name, "reason": reason}
            for vm_id, reason in found.way.left_out.items()
        ],
        "staying": [{"vm_id": vm.id, "host_id": vm.host_id, "reason": vm.reason} for vm in problem.staying],
    }


def _moves(found: Found) -> list[dict[str, object]]:
    machines, guests = found.problem.machine_by_id, found.problem.guest_by_id
    return [
        {
            "vm_id": move.vm_id,
            "name": guests[move.vm_id].name,
            "source_id": move.source_id,
            "source": machines[move.source_id].name,
            "target_id": move.target_id,
            "target": machines[move.target_id].name,
            "datastore_id": guests[move.vm_id].datastore_id,
            "memory_mib": int(guests[move.vm_id].asked.memory_kib) // 1024,
            "reason": reason,
        }
        for move, reason in zip(found.way.moves, found.reasons, strict=True)
    ]


def _host(problem: Problem, found: Found, host_id: int) -> dict[str, object]:
    staying = sum(vm.host_id == host_id for vm in problem.staying)
    shares = {
        f"{resource}_{when}_percent": round(100 * layout.share(host_id, resource), 1)
        for when, layout in (("before", found.before), ("after", found.after))
        for resource in Resource
    }
    return {
        "id": host_id,
        "name": problem.machine_by_id[host_id].name,
        "vms_before": staying + len(found.before.guests_on[host_id]),
        "vms_after": staying + len(found.after.guests_on[host_id]),
        **shares,
    }
