"""Recovering VMs: what an operator says of a plan that failed or hangs is taken as its driver's word."""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum

from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError, ParameterError
from opennebula_core.managers.core import Core
from opennebula_core.managers.vm import operations
from opennebula_core.managers.vm.effects import VmEffects
from opennebula_core.managers.vm.ending import CLEANING, VmEnding
from opennebula_core.managers.vm.plans import VmPlans
from opennebula_core.managers.vm.records import close_record, return_home
from opennebula_core.model.objects import Vm
from opennebula_core.model.states import HistoryAction, LcmState, VmState
from opennebula_core.model.transitions import state_name
from opennebula_core.plans import table
from opennebula_core.plans.executor import Outcome
from opennebula_core.plans.plan import Plan, PlanStatus


class Recovery(IntEnum):
    """The operations of ``one.vm.recover``, with their numbers."""

    FAILURE = 0
    SUCCESS = 1
    RETRY = 2
    DELETE = 3
    RECREATE = 4
    DELETE_DB = 5


class VmRecovery:
    """The use cases of recover, inside the caller's transaction."""

    def __init__(self, core: Core, plans: VmPlans, ending: VmEnding, effects: VmEffects) -> None:
        self._core = core
        self._plans = plans
        self._ending = ending
        self._effects = effects

    def recover(self, tx: Transaction, vm_id: int, operation: int) -> int:
        """Carry out one of the operations.

        :raises ActionError: the VM's state has nothing to recover
        :raises ParameterError: there is no such operation
        """
        vm = tx.vms.get(vm_id)
        try:
            wanted = Recovery(operation)
        except ValueError:
            raise ParameterError(f"Wrong recovery operation {operation}; use 0 to 5") from None
        if vm.state is VmState.DONE:
            raise self._refused(vm)
        if wanted is Recovery.DELETE:
            self._ending.delete(tx, vm)
        elif wanted is Recovery.RECREATE:
            self._ending.delete(tx, vm, recreate=True)
        elif wanted is Recovery.DELETE_DB:
            self._delete_from_database(tx, vm)
        elif vm.state is VmState.ACTIVE:
            self._recover_plan(tx, vm, wanted)
        else:
            raise self._refused(vm)
        return vm_id

    @staticmethod
    def _refused(vm: Vm) -> ActionError:
        return ActionError(
            f"Recover action is not available for state {state_name(vm.state, vm.lcm_state)}", vm.id
        )

    def _delete_from_database(self, tx: Transaction, vm: Vm) -> None:
        self._plans.abandon(tx, vm)
        if vm.last_record is not None:
            close_record(tx, vm, vm.last_record, HistoryAction.DELETE)
        self._effects.arrive(tx, vm, VmState.DONE, LcmState.LCM_INIT)

    def _recover_plan(self, tx: Transaction, vm: Vm, wanted: Recovery) -> None:
        if vm.lcm_state is LcmState.UNKNOWN and wanted is Recovery.SUCCESS:
            self._effects.set_state(tx, vm, *operations.RUNNING)
            return
        plan = table.last_of(tx, vm.id)
        if plan is None or plan.status in (PlanStatus.DONE, PlanStatus.ABANDONED):
            raise self._refused(vm)
        is_stuck = vm.lcm_state.is_failure or vm.lcm_state in CLEANING
        if plan.status is PlanStatus.FAILED and not is_stuck:
            raise self._refused(vm)
        if wanted is Recovery.RETRY:
            self._retry(tx, vm, plan)
        elif wanted is Recovery.SUCCESS:
            self._succeed(tx, vm, plan)
        else:
            self._fail(tx, vm, plan)

    def _revive(self, tx: Transaction, plan: Plan) -> Plan:
        """Make the plan the one under way again."""
        revived = replace(plan, status=PlanStatus.ACTIVE, attempt=plan.attempt + 1, error="")
        tx.execute("UPDATE plan SET status = 'active', error = '', ended = 0 WHERE id = ?", (plan.id,))
        table.move(tx, plan, revived)
        return revived

    def _retry(self, tx: Transaction, vm: Vm, plan: Plan) -> None:
        if plan.current.at_most_once:
            raise self._refused(vm)
        if plan.status is PlanStatus.ACTIVE:  # or its late answer would be taken for the new attempt's
            self._plans.cancel_request(tx, vm, plan)
        revived = self._revive(tx, plan)
        vm.user_template.remove("ERROR")
        tx.vms.save(vm)
        self._effects.step_started(tx, revived)
        tx.after_commit(lambda: self._core.executor.start(revived))

    def _succeed(self, tx: Transaction, vm: Vm, plan: Plan) -> None:
        if plan.status is PlanStatus.ACTIVE:
            self._plans.cancel_request(tx, vm, plan)
        revived = self._revive(tx, plan)
        vm.user_template.remove("ERROR")
        tx.vms.save(vm)
        self._effects.step_started(tx, revived)
        info = vm.deploy_id or f"one-{vm.id}"
        following = self._core.executor.apply(tx, revived, Outcome(True, info))
        if following is not None:
            tx.after_commit(lambda: self._core.executor.start(following))

    def _fail(self, tx: Transaction, vm: Vm, plan: Plan) -> None:
        if plan.status is PlanStatus.ACTIVE:
            self._plans.cancel_request(tx, vm, plan)
            following = self._core.executor.apply(tx, plan, Outcome(False, "recovered as a failure"))
            if following is not None:
                tx.after_commit(lambda: self._core.executor.start(following))
            return
        if vm.lcm_state in _GIVEN_UP and len(vm.history) > 1 and plan.operation != operations.RETURN_HOME:
            self._back_home(tx, vm, plan)

    def _back_home(self, tx: Transaction, vm: Vm, plan: Plan) -> None:
        """Give a migration up that failed: the VM belongs to the host that it came from again."""
        given_up = vm.lcm_state
        vm.user_template.remove("ERROR")
        return_home(tx, vm)
        is_saved = any(step.action == VmmAction.RESTORE.value for step in plan.steps)
        self._plans.begin(tx, vm, operations.return_home(vm, given_up, is_saved=is_saved))


_GIVEN_UP = frozenset(
    {
        LcmState.PROLOG_MIGRATE_FAILURE,
        LcmState.BOOT_MIGRATE_FAILURE,
        LcmState.PROLOG_MIGRATE_UNKNOWN_FAILURE,
        LcmState.PROLOG_MIGRATE_POWEROFF_FAILURE,
        LcmState.PROLOG_MIGRATE_SUSPEND_FAILURE,
    }
)
"""States of migrations that can be given up."""
