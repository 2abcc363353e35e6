from __future__ import annotations

from collections.abc import Callable

import pytest

from opennebula_core.managers.vm import operations
from opennebula_core.managers.vm.operations import MigrationKind
from opennebula_core.model.objects import HistoryRecord, Vm
from opennebula_core.model.states import HistoryAction, LcmState, VmState
from opennebula_core.model.transitions import VmEvent, next_state
from opennebula_core.plans.plan import Plan

Make = Callable[[Vm], Plan]
INIT = LcmState.LCM_INIT


def _vm(state: VmState, lcm_state: LcmState, ended_by: HistoryAction) -> Vm:
    vm = Vm(id=7, name="web", state=state, lcm_state=lcm_state)
    for seq, action in enumerate((ended_by, HistoryAction.NONE)):
        vm.history.append(HistoryRecord(7, seq, 0, "host1", 0, "dummy", "dummy", 0, action=action))
    return vm


RUNNING = (VmState.ACTIVE, LcmState.RUNNING)
UNKNOWN = (VmState.ACTIVE, LcmState.UNKNOWN)
CASES: dict[str, tuple[tuple[VmState, LcmState], VmEvent, Make, HistoryAction]] = {
    "deploy": ((VmState.PENDING, INIT), VmEvent.DEPLOY, operations.deploy, HistoryAction.NONE),
    "deploy stopped": (
        (VmState.PENDING, INIT),
        VmEvent.DEPLOY_STOPPED,
        operations.deploy,
        HistoryAction.STOP,
    ),
    "deploy undeployed": (
        (VmState.PENDING, INIT),
        VmEvent.DEPLOY_UNDEPLOYED,
        operations.deploy,
        HistoryAction.UNDEPLOY,
    ),
    "suspend": (RUNNING, VmEvent.SUSPEND, operations.suspend, HistoryAction.NONE),
    "stop": (RUNNING, VmEvent.STOP, operations.stop, HistoryAction.NONE),
    "stop suspended": ((VmState.SUSPENDED, INIT), VmEvent.STOP, operations.stop, HistoryAction.NONE),
    "poweroff": (
        RUNNING,
        VmEvent.POWEROFF,
        lambda vm: operations.poweroff(vm, hard=False),
        HistoryAction.NONE,
    ),
    "undeploy": (
        RUNNING,
        VmEvent.UNDEPLOY,
        lambda vm: operations.undeploy(vm, hard=False),
        HistoryAction.NONE,
    ),
    "undeploy off": (
        (VmState.POWEROFF, INIT),
        VmEvent.UNDEPLOY,
        lambda vm: operations.undeploy(vm, hard=False),
        HistoryAction.NONE,
    ),
    "terminate": (
        RUNNING,
        VmEvent.TERMINATE,
        lambda vm: operations.terminate(vm, hard=False),
        HistoryAction.NONE,
    ),
    "terminate unknown": (
        UNKNOWN,
        VmEvent.TERMINATE_HARD,
        lambda vm: operations.terminate(vm, hard=True),
        HistoryAction.NONE,
    ),
    "terminate off": (
        (VmState.POWEROFF, INIT),
        VmEvent.TERMINATE,
        lambda vm: operations.terminate(vm, hard=False),
        HistoryAction.NONE,
    ),
    "terminate stored": (
        (VmState.UNDEPLOYED, INIT),
        VmEvent.TERMINATE,
        lambda vm: operations.terminate(vm, hard=False),
        HistoryAction.NONE,
    ),
    "resume suspended": ((VmState.SUSPENDED, INIT), VmEvent.RESUME, operations.resume, HistoryAction.NONE),
    "resume off": ((VmState.POWEROFF, INIT), VmEvent.RESUME, operations.resume, HistoryAction.NONE),
    "resume unknown": (UNKNOWN, VmEvent.RESUME, operations.resume, HistoryAction.NONE),
    "migrate live": (RUNNING, VmEvent.MIGRATE_LIVE, operations.migrate_live, HistoryAction.NONE),
    "migrate save": (
        RUNNING,
        VmEvent.MIGRATE_SAVE,
        lambda vm: operations.migrate(vm, MigrationKind.SAVE),
        HistoryAction.NONE,
    ),
    "migrate off": (
        RUNNING,
        VmEvent.MIGRATE_POWEROFF,
        lambda vm: operations.migrate(vm, MigrationKind.POWEROFF),
        HistoryAction.NONE,
    ),
    "migrate while off": (
        (VmState.POWEROFF, INIT),
        VmEvent.MIGRATE_SAVE,
        lambda vm: operations.migrate(vm, MigrationKind.SAVE),
        HistoryAction.NONE,
    ),
    "migrate while asleep": (
        (VmState.SUSPENDED, INIT),
        VmEvent.MIGRATE_SAVE,
        lambda vm: operations.migrate(vm, MigrationKind.SAVE),
        HistoryAction.NONE,
    ),
    "migrate unknown": (
        UNKNOWN,
        VmEvent.MIGRATE_SAVE,
        lambda vm: operations.migrate(vm, MigrationKind.SAVE),
        HistoryAction.NONE,
    ),
    "delete": (RUNNING, VmEvent.DELETE, operations.delete, HistoryAction.NONE),
    "recreate": (RUNNING, VmEvent.RECREATE, operations.recreate, HistoryAction.NONE),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_plan_goes_the_way_of_the_transition_table(
    case: tuple[tuple[VmState, LcmState], VmEvent, Make, HistoryAction],
) -> None:
    place, event, make, ended_by = case
    plan = make(_vm(*place, ended_by))
    place = next_state(*place, event)
    for step, following in zip(plan.steps, (*plan.steps[1:], None), strict=True):
        assert place == (VmState.ACTIVE, step.lcm_state)
        if following is not None and following.lcm_state is step.lcm_state:
            continue  # a state of several steps
        moved_off = event is VmEvent.MIGRATE_POWEROFF and step.lcm_state is LcmState.PROLOG_MIGRATE
        place = next_state(*place, VmEvent.MOVED_POWERED_OFF if moved_off else VmEvent.STEP_SUCCEEDED)
    assert place == plan.end


@pytest.mark.parametrize("hard", [False, True])
def test_a_reboot_is_sent_at_most_once_and_changes_no_state(hard: bool) -> None:
    (step,) = operations.reboot(_vm(*RUNNING, HistoryAction.NONE), hard=hard).steps
    assert step.at_most_once
    assert step.lcm_state is LcmState.RUNNING
    assert step.action == ("RESET" if hard else "REBOOT")
