"""What each operation does: its plan's steps, with the state that the VM shows while each runs.

Source of states and order: OpenNebula 6.10, VM life cycle. The transition table says the same of each single
step; a test holds every plan here against it.
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from typing import Any

from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.managers.transfer.phases import Phase
from opennebula_core.managers.vm.records import waits_on_front_end
from opennebula_core.model.objects import Vm
from opennebula_core.model.states import HistoryAction, LcmState, VmState
from opennebula_core.model.transitions import may_have_guest
from opennebula_core.plans.plan import Plan, PlanStatus, Step, Target

RUNNING = (VmState.ACTIVE, LcmState.RUNNING)
DONE = (VmState.DONE, LcmState.LCM_INIT)
STOPPED = (VmState.STOPPED, LcmState.LCM_INIT)
SUSPENDED = (VmState.SUSPENDED, LcmState.LCM_INIT)
POWEROFF = (VmState.POWEROFF, LcmState.LCM_INIT)
UNDEPLOYED = (VmState.UNDEPLOYED, LcmState.LCM_INIT)
PENDING = (VmState.PENDING, LcmState.LCM_INIT)
HOLD = (VmState.HOLD, LcmState.LCM_INIT)

RETURN_HOME = "return-home"
"""The operation of :func:`return_home`, by which its plan is known."""


class MigrationKind(IntEnum):
    """How a cold migration gets the guest off its host. Source: one.vm.migrate, last parameter."""

    SAVE = 0
    POWEROFF = 1
    POWEROFF_HARD = 2


def place_to_wait(vm: Vm) -> tuple[VmState, LcmState]:
    """Return where a new VM waits for its host: held back when it was made so."""
    return HOLD if vm.template.get("SUBMIT_ON_HOLD").upper() == "YES" else PENDING


def _vmm(action: VmmAction, lcm_state: LcmState, **options: Any) -> Step:
    return Step("vmm", action.value, lcm_state, **options)


def _tm(phase: str, lcm_state: LcmState, **options: Any) -> Step:
    return Step("tm", phase, lcm_state, **options)


def deploy(vm: Vm) -> Plan:
    """Bring a VM that has no host to the one of its newest record.

    What its previous stay ended with says what there is to bring: nothing, a checkpoint, or disks.
    """
    came_from = vm.history[-2].action if len(vm.history) > 1 else HistoryAction.NONE
    if came_from is HistoryAction.STOP:
        steps = (
            _tm(Phase.RESUME, LcmState.PROLOG_RESUME),
            _vmm(VmmAction.RESTORE, LcmState.BOOT_STOPPED),
        )
    elif came_from in (HistoryAction.UNDEPLOY, HistoryAction.UNDEPLOY_HARD):
        steps = (
            _tm(Phase.RESUME, LcmState.PROLOG_UNDEPLOY),
            _vmm(VmmAction.DEPLOY, LcmState.BOOT_UNDEPLOY),
        )
    else:
        steps = (_tm(Phase.PROLOG, LcmState.PROLOG), _vmm(VmmAction.DEPLOY, LcmState.BOOT))
    return Plan(vm.id, "deploy", steps, RUNNING)


def _end_guest(hard: bool, lcm_state: LcmState, target: Target = Target.LAST) -> Step:
    return _vmm(VmmAction.CANCEL if hard else VmmAction.SHUTDOWN, lcm_state, target=target)


def terminate(vm: Vm, *, hard: bool) -> Plan:
    """End the guest if there is one, and remove or save back its disks."""
    if waits_on_front_end(vm):
        return Plan(vm.id, "terminate", (_tm(Phase.EPILOG_FRONT_END, LcmState.EPILOG),), DONE)
    steps: tuple[Step, ...] = (_tm(Phase.EPILOG, LcmState.EPILOG),)
    if vm.state is VmState.ACTIVE:
        steps = (_end_guest(hard, LcmState.SHUTDOWN), *steps)
    return Plan(vm.id, "terminate", steps, DONE)


def poweroff(vm: Vm, *, hard: bool) -> Plan:
    """End the guest; its disks stay on the host."""
    return Plan(vm.id, "poweroff", (_end_guest(hard, LcmState.SHUTDOWN_POWEROFF),), POWEROFF)


def suspend(vm: Vm) -> Plan:
    """Save the guest's memory on its host."""
    return Plan(vm.id, "suspend", (_vmm(VmmAction.SAVE, LcmState.SAVE_SUSPEND),), SUSPENDED)


def stop(vm: Vm) -> Plan:
    """Save the guest's memory and bring it, with the disks, to the front-end."""
    steps: tuple[Step, ...] = (_tm(Phase.STOP, LcmState.EPILOG_STOP),)
    if vm.state is VmState.ACTIVE:
        steps = (_vmm(VmmAction.SAVE, LcmState.SAVE_STOP), *steps)
    return Plan(vm.id, "stop", steps, STOPPED)


def undeploy(vm: Vm, *, hard: bool) -> Plan:
    """End the guest and bring its disks to the front-end."""
    steps: tuple[Step, ...] = (_tm(Phase.STOP, LcmState.EPILOG_UNDEPLOY),)
    if vm.state is VmState.ACTIVE:
        steps = (_end_guest(hard, LcmState.SHUTDOWN_UNDEPLOY), *steps)
    return Plan(vm.id, "undeploy", steps, UNDEPLOYED)


def resume(vm: Vm) -> Plan:
    """Start the guest again on the host where its disks are."""
    if vm.state is VmState.SUSPENDED:
        step = _vmm(VmmAction.RESTORE, LcmState.BOOT_SUSPENDED)
    elif vm.state is VmState.POWEROFF:
        step = _vmm(VmmAction.DEPLOY, LcmState.BOOT_POWEROFF)
    else:
        step = _vmm(VmmAction.DEPLOY, LcmState.BOOT_UNKNOWN)
    return Plan(vm.id, "resume", (step,), RUNNING)


def reboot(vm: Vm, *, hard: bool) -> Plan:
    """Restart the guest; its state does not change."""
    action = VmmAction.RESET if hard else VmmAction.REBOOT
    step = _vmm(action, LcmState.RUNNING, at_most_once=True, failure_is_fine=True)
    return Plan(vm.id, "reboot", (step,), RUNNING)


def migrate_live(vm: Vm) -> Plan:
    """Move the running guest from the previous record's host to the newest one's."""
    return Plan(
        vm.id, "live-migrate", (_vmm(VmmAction.MIGRATE, LcmState.MIGRATE, target=Target.PREVIOUS),), RUNNING
    )


def migrate(vm: Vm, kind: MigrationKind) -> Plan:
    """Move a VM that runs, sleeps or is off from the previous record's host to the newest one's."""
    resting = {
        VmState.POWEROFF: (LcmState.PROLOG_MIGRATE_POWEROFF, POWEROFF),
        VmState.SUSPENDED: (LcmState.PROLOG_MIGRATE_SUSPEND, SUSPENDED),
    }
    if vm.state in resting:
        lcm_state, end = resting[vm.state]
        return Plan(vm.id, "migrate", (_tm(Phase.MIGRATE, lcm_state),), end)
    if vm.lcm_state is LcmState.UNKNOWN:
        steps = (
            _tm(Phase.MIGRATE, LcmState.PROLOG_MIGRATE_UNKNOWN),
            _vmm(VmmAction.DEPLOY, LcmState.BOOT),
        )
        return Plan(vm.id, "migrate", steps, RUNNING)
    if kind is MigrationKind.SAVE:
        first = _vmm(VmmAction.SAVE, LcmState.SAVE_MIGRATE, target=Target.PREVIOUS)
        last = _vmm(VmmAction.RESTORE, LcmState.BOOT_MIGRATE)
    else:
        first = _end_guest(kind is MigrationKind.POWEROFF_HARD, LcmState.SAVE_MIGRATE, Target.PREVIOUS)
        last = _vmm(VmmAction.DEPLOY, LcmState.BOOT)
    return Plan(vm.id, "migrate", (first, _tm(Phase.MIGRATE, LcmState.PROLOG_MIGRATE), last), RUNNING)


def return_home(vm: Vm, given_up: LcmState, *, is_saved: bool) -> Plan:
    """Bring a VM whose migration is given up back to where it was, on the host that it came from.

    Its files are there as long as their transfer has not ended: then the copy on the other host is removed.

    :param given_up: the failure state it is in
    :param is_saved: the guest's memory was saved for the migration
    """
    shown = LcmState[given_up.name.removesuffix("_FAILURE")]
    if given_up is LcmState.BOOT_MIGRATE_FAILURE:
        files = _tm(Phase.MIGRATE, LcmState.PROLOG_MIGRATE)
    else:
        files = _tm(Phase.UNDO_MIGRATE, shown, failure_is_fine=True)
    if shown in _RESTS:
        return Plan(vm.id, RETURN_HOME, (files,), _RESTS[shown])
    start = (
        _vmm(VmmAction.RESTORE, LcmState.BOOT_MIGRATE) if is_saved else _vmm(VmmAction.DEPLOY, LcmState.BOOT)
    )
    return Plan(vm.id, RETURN_HOME, (files, start), RUNNING)


_RESTS = {LcmState.PROLOG_MIGRATE_POWEROFF: POWEROFF, LcmState.PROLOG_MIGRATE_SUSPEND: SUSPENDED}
"""Where migrations end that start no guest."""


def ending_guest(plan: Plan, failed: Plan | None) -> Plan:
    """Return the plan of a VM at rest, with whatever runs of it ended before its files go.

    Nothing does, unless the VM's last operation was a start that failed: one that took too long, or that an
    operator gave up, may have done its work all the same.

    :param failed: the VM's newest plan
    """
    first = plan.steps[0]
    is_leaving = first.action in (Phase.EPILOG, Phase.STOP, Phase.MIGRATE)
    if not is_leaving or failed is None or failed.status is not PlanStatus.FAILED:
        return plan
    if failed.current.action not in (VmmAction.DEPLOY, VmmAction.RESTORE):
        return plan
    target = Target.PREVIOUS if first.action == Phase.MIGRATE else Target.LAST
    end_guest = _vmm(VmmAction.CANCEL, first.lcm_state, target=target, failure_is_fine=True)
    return replace(plan, steps=(end_guest, *plan.steps))


def delete(vm: Vm, other_host: str = "") -> Plan:
    """Remove whatever there is of the VM, wherever it is, and end it."""
    return Plan(vm.id, "delete", _cleanup(vm, other_host), DONE)


def recreate(vm: Vm, other_host: str = "") -> Plan:
    """Remove whatever there is of the VM and let it start anew."""
    steps = tuple(replace(step, lcm_state=LcmState.CLEANUP_RESUBMIT) for step in _cleanup(vm, other_host))
    return Plan(vm.id, "recreate", steps, PENDING)


def clean_again(plan: Plan, *, recreates: bool) -> Plan:
    """Return the plan that removes what a plan of :func:`delete` or :func:`recreate` was to remove.

    The VM's state does not tell any more where its parts are, the steps of that plan do.
    """
    operation, lcm_state, end = (
        ("recreate", LcmState.CLEANUP_RESUBMIT, PENDING)
        if recreates
        else ("delete", LcmState.CLEANUP_DELETE, DONE)
    )
    own = (step for step in plan.steps if step.action in _CLEANING_ACTIONS)
    return Plan(plan.vm_id, operation, tuple(replace(step, lcm_state=lcm_state) for step in own), end)


_CLEANING_ACTIONS = (VmmAction.CANCEL, VmmAction.CLEANUP, Phase.DELETE)

_BETWEEN_HOST_AND_FRONT_END = ("PROLOG_RESUME", "PROLOG_UNDEPLOY", "EPILOG_STOP", "EPILOG_UNDEPLOY")
"""Beginnings of the states in which a VM's files may be on either side."""


def _cleanup(vm: Vm, other_host: str) -> tuple[Step, ...]:
    lcm_state = LcmState.CLEANUP_DELETE
    on_front_end = _tm(Phase.DELETE, lcm_state, failure_is_fine=True)
    if waits_on_front_end(vm):
        return (on_front_end,)
    on_host = _vmm(VmmAction.CLEANUP, lcm_state, failure_is_fine=True, arguments={"other_host": other_host})
    is_between = vm.lcm_state.name.startswith(_BETWEEN_HOST_AND_FRONT_END)
    files = (on_host, on_front_end) if is_between else (on_host,)
    return (*_end_whatever_runs(vm, other_host), *files)


def _end_whatever_runs(vm: Vm, other_host: str) -> tuple[Step, ...]:
    """Return the steps that end the guest that may run; they must succeed, or the VM could run twice.

    CLEANUP does not say whether it could: OpenNebula's drivers answer it with success whatever happens.
    """
    if not may_have_guest(vm.state, vm.lcm_state):
        return ()
    here = _vmm(VmmAction.CANCEL, LcmState.CLEANUP_DELETE)
    return (replace(here, target=Target.PREVIOUS), here) if other_host else (here,)
