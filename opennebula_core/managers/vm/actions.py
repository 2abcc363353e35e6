"""The actions of ``one.vm.action``: each checks the state, notes what ends the stay, and begins a plan."""

from __future__ import annotations

from collections.abc import Callable

from opennebula_core.contracts.method import ObjectKind, Right, Session
from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError
from opennebula_core.managers.rights import require
from opennebula_core.managers.vm import operations
from opennebula_core.managers.vm.effects import VmEffects
from opennebula_core.managers.vm.ending import VmEnding
from opennebula_core.managers.vm.plans import VmPlans, allow, note_action
from opennebula_core.managers.vm.records import reopen_record
from opennebula_core.managers.vm.requirements import set_automatic_requirements
from opennebula_core.model.objects import Vm
from opennebula_core.model.states import HistoryAction, LcmState, VmState

_ON_HOST = (LcmState.RUNNING, LcmState.UNKNOWN)


class VmActions:
    """The actions by name; every method runs inside the caller's transaction."""

    def __init__(self, plans: VmPlans, effects: VmEffects, ending: VmEnding) -> None:
        self._plans = plans
        self._effects = effects
        self._actions: dict[str, Callable[[Transaction, Session, Vm], None]] = {
            "terminate": lambda tx, session, vm: ending.terminate(tx, vm, hard=False),
            "terminate-hard": lambda tx, session, vm: ending.terminate(tx, vm, hard=True),
            "poweroff": lambda tx, session, vm: self._poweroff(tx, vm, hard=False),
            "poweroff-hard": lambda tx, session, vm: self._poweroff(tx, vm, hard=True),
            "undeploy": lambda tx, session, vm: self._undeploy(tx, vm, hard=False),
            "undeploy-hard": lambda tx, session, vm: self._undeploy(tx, vm, hard=True),
            "suspend": lambda tx, session, vm: self._suspend(tx, vm),
            "stop": lambda tx, session, vm: self._stop(tx, vm),
            "resume": lambda tx, session, vm: self._resume(tx, vm),
            "reboot": lambda tx, session, vm: self._reboot(tx, vm, hard=False),
            "reboot-hard": lambda tx, session, vm: self._reboot(tx, vm, hard=True),
            "hold": lambda tx, session, vm: self._hold(tx, vm),
            "release": lambda tx, session, vm: self._release(tx, vm),
            "resched": lambda tx, session, vm: self._resched(tx, session, vm, wanted=True),
            "unresched": lambda tx, session, vm: self._resched(tx, session, vm, wanted=False),
        }

    def perform(self, tx: Transaction, session: Session, name: str, vm_id: int) -> int:
        """Carry out one of the actions.

        :raises ActionError: there is no such action, or the state does not allow it
        """
        action = self._actions.get(name)
        if action is None:
            raise ActionError(f'Action "{name}" is not supported', vm_id)
        action(tx, session, tx.vms.get(vm_id))
        return vm_id

    # -- sleep and wake --------------------------------------------------------------------------

    def _poweroff(self, tx: Transaction, vm: Vm, *, hard: bool) -> None:
        allow(vm, "poweroff-hard" if hard else "poweroff", lcm=_ON_HOST)
        note_action(vm, HistoryAction.POWEROFF_HARD if hard else HistoryAction.POWEROFF)
        self._plans.begin(tx, vm, operations.poweroff(vm, hard=hard))

    def _undeploy(self, tx: Transaction, vm: Vm, *, hard: bool) -> None:
        allow(vm, "undeploy-hard" if hard else "undeploy", (VmState.POWEROFF,), _ON_HOST)
        note_action(vm, HistoryAction.UNDEPLOY_HARD if hard else HistoryAction.UNDEPLOY)
        self._plans.begin(tx, vm, operations.undeploy(vm, hard=hard))

    def _suspend(self, tx: Transaction, vm: Vm) -> None:
        allow(vm, "suspend", lcm=(LcmState.RUNNING,))
        self._plans.need(vm, VmmAction.SAVE)
        note_action(vm, HistoryAction.SUSPEND)
        self._plans.begin(tx, vm, operations.suspend(vm))

    def _stop(self, tx: Transaction, vm: Vm) -> None:
        allow(vm, "stop", (VmState.SUSPENDED,), (LcmState.RUNNING,))
        self._plans.need(vm, VmmAction.SAVE)
        note_action(vm, HistoryAction.STOP)
        self._plans.begin(tx, vm, operations.stop(vm))

    def _resume(self, tx: Transaction, vm: Vm) -> None:
        allow(
            vm,
            "resume",
            (VmState.SUSPENDED, VmState.POWEROFF, VmState.STOPPED, VmState.UNDEPLOYED),
            (LcmState.UNKNOWN,),
        )
        if vm.state in (VmState.STOPPED, VmState.UNDEPLOYED):
            set_automatic_requirements(vm)
            self._effects.set_state(tx, vm, *operations.PENDING)
            return
        plan = operations.resume(vm)
        if vm.state is not VmState.ACTIVE:
            reopen_record(tx, vm, vm.history[-1])
        self._plans.begin(tx, vm, plan)

    def _reboot(self, tx: Transaction, vm: Vm, *, hard: bool) -> None:
        allow(vm, "reboot-hard" if hard else "reboot", lcm=(LcmState.RUNNING,))
        self._plans.need(vm, VmmAction.RESET if hard else VmmAction.REBOOT)
        self._plans.begin(tx, vm, operations.reboot(vm, hard=hard))

    # -- waiting ---------------------------------------------------------------------------------

    def _hold(self, tx: Transaction, vm: Vm) -> None:
        allow(vm, "hold", (VmState.PENDING, VmState.HOLD))
        self._effects.set_state(tx, vm, VmState.HOLD, LcmState.LCM_INIT)

    def _release(self, tx: Transaction, vm: Vm) -> None:
        allow(vm, "release", (VmState.HOLD,))
        self._effects.set_state(tx, vm, *operations.PENDING)

    def _resched(self, tx: Transaction, session: Session, vm: Vm, *, wanted: bool) -> None:
        require(tx, session, ObjectKind.VM, Right.ADMIN, vm.id)
        allow(vm, "resched" if wanted else "unresched", (VmState.POWEROFF,), _ON_HOST)
        vm.resched = wanted
        tx.vms.save(vm, "resched" if wanted else "unresched")
