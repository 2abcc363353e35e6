"""How VMs end: terminated with their disks seen to, or deleted from whatever state they are in."""

from __future__ import annotations

from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError
from opennebula_core.managers.vm import operations
from opennebula_core.managers.vm.disks import broken_images, refresh_disks, waits_for_images
from opennebula_core.managers.vm.effects import VmEffects
from opennebula_core.managers.vm.plans import VmPlans, note_action
from opennebula_core.managers.vm.records import waits_on_front_end
from opennebula_core.model.objects import Vm
from opennebula_core.model.states import HistoryAction, LcmState, VmState
from opennebula_core.model.transitions import state_name
from opennebula_core.plans import table
from opennebula_core.plans.plan import Plan

CLEANING = (LcmState.CLEANUP_DELETE, LcmState.CLEANUP_RESUBMIT)
"""States of VMs that are being removed; one whose guest could not be ended stays here, for recover."""

_UNPLACED = (VmState.INIT, VmState.PENDING, VmState.HOLD, VmState.CLONING, VmState.CLONING_FAILURE)


class VmEnding:
    """The use cases that end VMs; every method runs inside the caller's transaction."""

    def __init__(self, plans: VmPlans, effects: VmEffects) -> None:
        self._plans = plans
        self._effects = effects

    def terminate(self, tx: Transaction, vm: Vm, *, hard: bool) -> None:
        """End a VM from whatever state it is in.

        :raises ActionError: something is under way that must end first
        """
        if vm.state is VmState.DONE:
            return
        if vm.state in _UNPLACED:
            self._end_unplaced(tx, vm)
            return
        if vm.state is VmState.ACTIVE and vm.lcm_state.is_failure:
            self.delete(tx, vm)
            return
        if hard and vm.lcm_state is LcmState.SHUTDOWN:
            self._plans.abandon(tx, vm)
        elif vm.state is VmState.ACTIVE and vm.lcm_state not in (LcmState.RUNNING, LcmState.UNKNOWN):
            raise ActionError(
                f"Could not terminate VM {vm.id}, wrong state {state_name(vm.state, vm.lcm_state)}.", vm.id
            )
        note_action(vm, HistoryAction.TERMINATE_HARD if hard else HistoryAction.TERMINATE)
        self._plans.begin(tx, vm, operations.terminate(vm, hard=hard))

    def _end_unplaced(self, tx: Transaction, vm: Vm) -> None:
        if waits_on_front_end(vm):
            vm.state = VmState.UNDEPLOYED
            self._plans.begin(tx, vm, operations.terminate(vm, hard=True))
            return
        self._effects.arrive(tx, vm, *operations.DONE)

    def delete(self, tx: Transaction, vm: Vm, *, recreate: bool = False) -> None:
        """Remove whatever there is of a VM, whatever was under way; ``recreate`` lets it start anew.

        While its guest cannot be ended, the VM keeps all it has and waits in CLEANUP for recover.
        """
        if vm.state is VmState.DONE:
            return
        abandoned = self._plans.abandon(tx, vm)
        if vm.state in _UNPLACED:
            if not waits_on_front_end(vm):
                self._effects.arrive(tx, vm, *(_fresh(tx, vm) if recreate else operations.DONE))
                return
            vm.state = VmState.UNDEPLOYED
        earlier = abandoned or table.last_of(tx, vm.id)  # one that failed has ended
        plan = _cleaning(vm, earlier, recreate=recreate)
        vm.user_template.remove("ERROR")  # one that comes now says that the removal is held up
        action = HistoryAction.DELETE_RECREATE if recreate else HistoryAction.DELETE
        note_action(vm, action)
        if waits_on_front_end(vm):
            vm.history[-1].action = action  # or the next deployment would look for its disks there
        self._plans.begin(tx, vm, plan)


def _cleaning(vm: Vm, earlier: Plan | None, *, recreate: bool) -> Plan:
    if earlier is not None and earlier.is_known and vm.lcm_state in CLEANING:
        return operations.clean_again(earlier, recreates=recreate)
    make = operations.recreate if recreate else operations.delete
    return make(vm, _other_host(vm))


def _fresh(tx: Transaction, vm: Vm) -> tuple[VmState, LcmState]:
    """Return where a VM begins that has been nowhere yet: it may have to wait for images.

    :raises ActionError: an image of its cannot be had
    """
    if vm.state not in (VmState.CLONING, VmState.CLONING_FAILURE):
        return operations.PENDING
    broken = broken_images(tx, vm)
    if broken:
        raise ActionError(f"Cannot recreate VM {vm.id}: image {broken[0].id} is in state ERROR.", vm.id)
    refresh_disks(tx, vm)
    if waits_for_images(tx, vm):
        return VmState.CLONING, LcmState.LCM_INIT
    return operations.place_to_wait(vm)


def _other_host(vm: Vm) -> str:
    if "MIGRATE" in vm.lcm_state.name and len(vm.history) > 1:
        return vm.history[-2].hostname
    return ""
