"""What the VMs that are on the hosts take of them, and until when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from opennebula_core.contracts.scheduler import ActiveVm, Cloud, HostView
from opennebula_core.errors import TemplateError
from opennebula_core.model.states import LcmState, VmState
from opennebula_sched_haizea.rules import Rules
from opennebula_sched_haizea.slottable import FOREVER, Amount, Slot, SlotTable
from opennebula_sched_haizea.terms import ATTRIBUTE, Terms, parse_terms


def lease_terms(vm: ActiveVm, rules: Rules) -> Terms | None:
    """Return the terms of a VM that has left the queue; None when it has no lease that could be read.

    A VM without a HAIZEA attribute has no lease: nobody set an end to it, and none is made up.
    """
    asked = vm.user_template.vector(ATTRIBUTE)
    if asked is None:
        return None
    try:
        return parse_terms(asked, float(vm.stime), rules.defaults.start, rules.defaults.duration)
    except TemplateError:  # started by hand, or edited since
        return None


def lease_end_s(vm: ActiveVm, rules: Rules) -> float:
    """Return when the lease of a VM is over; FOREVER when it has no end, or has not begun.

    A reservation ends at its time, however late its VM came to run; others after their duration.
    """
    terms = lease_terms(vm, rules)
    if terms is None:
        return FOREVER
    if terms.start_s and vm.history_stime < terms.start_s + terms.duration_s:
        return terms.start_s + terms.duration_s
    return vm.first_running_stime + terms.duration_s if vm.first_running_stime else FOREVER


def expected_end_s(vm: ActiveVm, rules: Rules, now_s: float) -> float:
    """Return when a VM is expected to have left its host."""
    end_s = lease_end_s(vm, rules)
    terms = lease_terms(vm, rules)
    if end_s == FOREVER and terms is not None and not vm.first_running_stime:
        end_s = vm.history_stime + terms.duration_s
    return max(end_s, now_s) + (rules.ending_s if end_s < FOREVER else 0.0)


def is_over(vm: ActiveVm, rules: Rules, now_s: float) -> bool:
    """Whether the VM's lease is over and the VM can be ended now."""
    if now_s < lease_end_s(vm, rules):
        return False
    if vm.state is VmState.ACTIVE:
        return vm.lcm_state in (LcmState.RUNNING, LcmState.UNKNOWN)
    # Files of a VM that is off or suspended are for its owner to look at, unless leases end for good.
    return vm.state in (VmState.POWEROFF, VmState.SUSPENDED) and rules.on_end.startswith("terminate")


def occupied_table(cloud: Cloud, rules: Rules, now_s: float) -> SlotTable:
    """Return the enabled hosts with a slot for every VM on them, from now to its expected end.

    What a host says is used beyond the VMs that are known there is taken off its capacity for good.
    """
    on_host: defaultdict[int, list[ActiveVm]] = defaultdict(list)
    for vm in cloud.active_vms:
        on_host[vm.host_id].append(vm)
    table = SlotTable()
    for host in cloud.hosts:
        if not host.is_enabled:
            continue
        known = [vm for vm in on_host[host.id] if vm.id in host.vm_ids]
        table.add_host(host.id, _capacity(host, known))
        for vm in known:
            table.add(Slot(vm.id, host.id, now_s, expected_end_s(vm, rules, now_s), active_amount(vm)))
    return table


def active_amount(vm: ActiveVm) -> Amount:
    """Return what a VM takes of its host."""
    return Amount(vm.cpu_percent, vm.memory_kib)


def _capacity(host: HostView, known: Iterable[ActiveVm]) -> Amount:
    used = Amount(host.cpu_usage_percent, host.memory_usage_kib)
    for vm in known:
        used = used.minus(active_amount(vm))
    unexplained = Amount(max(0, used.cpu_percent), max(0, used.memory_kib))
    return Amount(host.max_cpu_percent, host.max_memory_kib).minus(unexplained)
