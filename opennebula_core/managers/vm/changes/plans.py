"""The plans of changes: one request to a driver, after which the VM is in the state that it came from."""

from __future__ import annotations

from typing import Any

from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.model.objects import Vm
from opennebula_core.model.states import LcmState
from opennebula_core.plans.plan import Plan, Step


def hotplug(
    vm: Vm,
    operation: str,
    action: VmmAction,
    lcm_state: LcmState,
    *,
    at_most_once: bool = False,
    **arguments: Any,
) -> Plan:
    """Return the plan of a change that the driver of a running guest makes.

    :param arguments: what the change's end has to know, JSON values
    """
    step = Step("vmm", action.value, lcm_state, at_most_once=at_most_once, arguments=arguments)
    return Plan(vm.id, operation, (step,), (vm.state, vm.lcm_state))


def transfer(vm: Vm, operation: str, phase: str, lcm_state: LcmState, **arguments: Any) -> Plan:
    """Return the plan of a change to files that no guest uses.

    :param phase: of :class:`.Phase`
    """
    step = Step("tm", phase, lcm_state, arguments=arguments)
    return Plan(vm.id, operation, (step,), (vm.state, vm.lcm_state))
