"""Steps that plugins add to the plans of VMs."""

from __future__ import annotations

from dataclasses import replace

from opennebula_core.contracts.plan import PlanStep, insert_steps
from opennebula_core.errors import ActionError, OpenNebulaError, RequestError
from opennebula_core.managers.hooks import CoreHooks
from opennebula_core.model.objects import Vm
from opennebula_core.model.states import LcmState
from opennebula_core.plans.plan import Plan, Step


def with_plugin_steps(hooks: CoreHooks, plan: Plan, vm: Vm) -> Plan:
    """Return the plan with the steps that plugins add.

    :raises RequestError: a plugin refuses the operation, or names a place that the plan does not have
    """
    try:
        return _extended(hooks, plan, vm)
    except RequestError:
        raise
    except OpenNebulaError as error:
        raise ActionError(f"{plan.operation} of VM {vm.id} refused: {error}", vm.id) from error


def _extended(hooks: CoreHooks, plan: Plan, vm: Vm) -> Plan:
    record = vm.last_record
    drivers = {"vmm": record.vm_mad if record else "", "tm": record.tm_mad if record else ""}
    present = [PlanStep(step.kind, drivers.get(step.kind, step.kind), step.action) for step in plan.steps]
    added = hooks.plan_steps(plan.operation, vm.id, present)
    if not added:
        return plan
    own = dict(zip(map(id, present), plan.steps, strict=True))
    steps: list[Step] = []
    for item in insert_steps(present, added):
        step = own.get(id(item))
        steps.append(step if step is not None else _plugin_step(item, steps, plan))
    return replace(plan, steps=tuple(steps))


def _plugin_step(item: PlanStep, before: list[Step], plan: Plan) -> Step:
    """Return a plugin's step, which shows the state of the step that it follows, or of the first one."""
    lcm_state: LcmState = before[-1].lcm_state if before else plan.steps[0].lcm_state
    return Step(item.kind, item.action, lcm_state, arguments={"driver": item.driver, **item.parameters})
