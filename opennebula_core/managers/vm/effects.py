"""What the outcomes of a plan's steps mean for the VM: states, times, capacity, leases, images."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.db.transaction import Transaction
from opennebula_core.managers.monitoring import MonitoringCache
from opennebula_core.managers.transfer.phases import Phase
from opennebula_core.managers.vm.changes.change import Changes, give_up, is_own
from opennebula_core.managers.vm.kept_snapshots import begin_anew, bring_all_back, let_go
from opennebula_core.managers.vm.log import VmLog
from opennebula_core.managers.vm.records import close_record, return_home
from opennebula_core.model.objects import HistoryRecord, Vm
from opennebula_core.model.states import HistoryAction, LcmState, VmState
from opennebula_core.model.transitions import VmEvent, next_state
from opennebula_core.plans.plan import Plan, Step, Target

LOG = logging.getLogger(__name__)

_STARTS_GUEST = frozenset({VmmAction.DEPLOY.value, VmmAction.RESTORE.value})
_ENDS_GUEST = frozenset({VmmAction.SAVE.value, VmmAction.SHUTDOWN.value, VmmAction.CANCEL.value})
_ENDS_SNAPSHOTS = _STARTS_GUEST | _ENDS_GUEST
"""Snapshots of a whole VM are its guest's; another one has none."""
_REMOVING = frozenset({LcmState.CLEANUP_DELETE, LcmState.CLEANUP_RESUBMIT})
_WRITES_BACK = frozenset({Phase.EPILOG, Phase.EPILOG_FRONT_END})
_LEAVES_HOST = frozenset({VmState.STOPPED, VmState.UNDEPLOYED, VmState.DONE, VmState.PENDING})
StateListener = Callable[[Transaction, Vm, VmState, LcmState], None]


class VmEffects:
    """Applies outcomes inside the transaction that records them.

    :param changes: what becomes of changes to VMs; none where no plans are run
    """

    def __init__(self, vm_log: VmLog, cache: MonitoringCache, changes: Changes | None = None) -> None:
        self._log = vm_log
        self._cache = cache
        self._changes = changes or {}

    # -- states ----------------------------------------------------------------------------------

    def set_state(self, tx: Transaction, vm: Vm, state: VmState, lcm_state: LcmState) -> None:
        """Move the VM to a state and save it; its log and the outbox hear of it."""
        before = (vm.state, vm.lcm_state)
        if before != (state, lcm_state):
            vm.prev_state, vm.prev_lcm_state = before
            vm.state, vm.lcm_state = state, lcm_state
        is_change = before != (state, lcm_state)
        tx.vms.save(vm, f"state {state.name} {lcm_state.name}" if is_change else "update")
        if before != (state, lcm_state):
            tx.after_commit(lambda: self._tell(vm.id, before, (state, lcm_state)))

    def _tell(self, vm_id: int, before: tuple[VmState, LcmState], after: tuple[VmState, LcmState]) -> None:
        if before[0] is not after[0]:
            self._log.write(vm_id, "I", f"New state is {after[0].name}")
        if after[0] is VmState.ACTIVE:
            self._log.write(vm_id, "I", f"New LCM state is {after[1].name}")
        LOG.debug("VM %d: %s %s", vm_id, after[0].name, after[1].name)

    def set_error(self, tx: Transaction, vm: Vm, reason: str) -> None:
        """Put a reason into the VM's ERROR attribute and its log; the caller saves the VM."""
        vm.user_template.set("ERROR", f"{time.ctime(tx.now)}: {reason}")
        tx.after_commit(lambda: self._log.write(vm.id, "E", reason))

    # -- plans -----------------------------------------------------------------------------------

    def step_started(self, tx: Transaction, plan: Plan) -> None:
        """Show that the plan's current step is under way."""
        step = plan.current
        if step.lcm_state is LcmState.RUNNING:
            return
        vm = _load(tx, plan.vm_id)
        record = _record_of(vm, step)
        if record is not None:
            _note_start(record, step, tx.now)
        self.set_state(tx, vm, VmState.ACTIVE, step.lcm_state)

    def step_succeeded(self, tx: Transaction, plan: Plan, info: str) -> None:
        """Note what the current step's success means."""
        step = plan.current
        if step.lcm_state is LcmState.RUNNING:
            return
        vm = _load(tx, plan.vm_id)
        change = self._changes.get(plan.operation)
        if change is not None and is_own(step):
            change.done(tx, vm, step, info)
            vm.user_template.remove("ERROR")
            return
        record = _record_of(vm, step)
        if step.kind == "tm" and step.action in _WRITES_BACK:
            bring_all_back(tx, vm)
        if step.action in _ENDS_SNAPSHOTS:
            vm.template.remove("SNAPSHOT")
        if step.action in _STARTS_GUEST:
            vm.deploy_id = info.split(" ", 1)[0] if info else vm.deploy_id
            vm.user_template.remove("ERROR")
        elif step.action in _ENDS_GUEST and record is not None:
            record.running_etime = record.running_etime or tx.now
        elif step.action == VmmAction.MIGRATE.value:
            self._guest_moved(tx, vm)
        if step.target is Target.PREVIOUS or step.action == Phase.MIGRATE:
            self._left_previous_host(tx, vm)

    @staticmethod
    def _guest_moved(tx: Transaction, vm: Vm) -> None:
        vm.history[-1].running_stime = tx.now

    @staticmethod
    def _left_previous_host(tx: Transaction, vm: Vm) -> None:
        if len(vm.history) > 1:
            previous = vm.history[-2]
            close_record(tx, vm, previous, previous.action)

    def plan_done(self, tx: Transaction, plan: Plan) -> None:
        """Put the VM where the plan ends."""
        state, lcm_state = plan.end
        if plan.current.lcm_state is LcmState.RUNNING:
            return
        vm = _load(tx, plan.vm_id)
        if plan.operation in self._changes:
            self.set_state(tx, vm, state, lcm_state)
        else:
            self.arrive(tx, vm, state, lcm_state)

    def arrive(self, tx: Transaction, vm: Vm, state: VmState, lcm_state: LcmState) -> None:
        """Move the VM to the end of an operation, with all that ends there."""
        record = vm.last_record
        if record is not None and state in _LEAVES_HOST:
            if record.epilog_stime:
                record.epilog_etime = tx.now
            for stay in vm.history:  # in the middle of a migration the one before is open too
                close_record(tx, vm, stay, stay.action)
        if state is VmState.DONE:
            self._release(tx, vm)
            tx.after_commit(lambda: self._cache.forget(ObjectKind.VM, vm.id))
        if state is VmState.PENDING:  # recreated: its disks are made anew
            begin_anew(tx, vm)
        if state is not VmState.ACTIVE:
            vm.resched = False
        if state in _LEAVES_HOST:
            vm.deploy_id = ""
        self.set_state(tx, vm, state, lcm_state)

    @staticmethod
    def _release(tx: Transaction, vm: Vm) -> None:
        vm.etime = tx.now
        let_go(tx, vm)
        tx.networks.release_vm(vm.id)
        tx.images.release(vm.id)
        tx.security_groups.drop_vm(vm.id)
        if "VMGROUP" in vm.template:
            tx.vm_groups.leave(vm.id)

    def plan_failed(self, tx: Transaction, plan: Plan, reason: str) -> None:
        """Put the VM where the failure of the current step leaves it, and say why."""
        vm = _load(tx, plan.vm_id)
        step = plan.current
        self.set_error(tx, vm, reason + _advice(vm, step))
        if step.lcm_state is LcmState.RUNNING:
            tx.vms.save(vm)
            return
        state, lcm_state = next_state(vm.state, vm.lcm_state, VmEvent.STEP_FAILED)
        if give_up(self._changes, tx, vm, plan):
            self.set_state(tx, vm, state, lcm_state)
            return
        if step.lcm_state.name.startswith("BOOT") and lcm_state is not LcmState.UNKNOWN:
            vm.history[-1].running_etime = tx.now  # what did not start is not charged for
        if step.target is Target.PREVIOUS and lcm_state is LcmState.RUNNING:
            # The guest never left.
            return_home(tx, vm).running_stime = tx.now
        elif (state, lcm_state) == (VmState.ACTIVE, LcmState.RUNNING):
            vm.history[-1].action = HistoryAction.NONE
        self.set_state(tx, vm, state, lcm_state)


def _advice(vm: Vm, step: Step) -> str:
    """Return what an operator has to know of a failure that no state's name tells."""
    record = _record_of(vm, step)
    if step.lcm_state not in _REMOVING or record is None:
        return ""
    return (
        f"; the guest may still run on host {record.hostname}, so nothing of the VM is given back: "
        f"'onevm recover --retry {vm.id}' once the host answers, or 'onevm recover --success {vm.id}' "
        "if the guest surely runs no more, the host being off"
    )


def _load(tx: Transaction, vm_id: int) -> Vm:
    """Return the VM as the parts of this transaction that came before have left it."""
    vm: Vm | None = tx.loaded.get(("vm", vm_id))
    if vm is None:
        vm = tx.loaded["vm", vm_id] = tx.vms.get(vm_id)
    return vm


def _record_of(vm: Vm, step: Step) -> HistoryRecord | None:
    if not vm.history:
        return None
    return vm.history[-2] if step.target is Target.PREVIOUS and len(vm.history) > 1 else vm.history[-1]


def _note_start(record: HistoryRecord, step: Step, now: int) -> None:
    name = step.lcm_state.name
    if name.startswith("PROLOG"):
        record.prolog_stime = record.prolog_stime or now
    elif name.startswith("BOOT"):
        if record.prolog_stime:
            record.prolog_etime = record.prolog_etime or now
        if record.running_etime or not record.running_stime:  # an earlier attempt has failed
            record.running_stime, record.running_etime = now, 0
    elif name.startswith("EPILOG"):
        if record.running_stime:
            record.running_etime = record.running_etime or now
        record.epilog_stime = record.epilog_stime or now
