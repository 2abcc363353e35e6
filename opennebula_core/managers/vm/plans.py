"""Beginning and ending the plans of VMs: what every use case needs of executor, drivers and plugins."""

from __future__ import annotations

from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError
from opennebula_core.managers.core import Core
from opennebula_core.managers.vm import operations
from opennebula_core.managers.vm.changes.change import Changes, give_up
from opennebula_core.managers.vm.hooks import with_plugin_steps
from opennebula_core.model.objects import HistoryRecord, Vm
from opennebula_core.model.states import HistoryAction, LcmState, VmState
from opennebula_core.model.transitions import state_name
from opennebula_core.plans import table
from opennebula_core.plans.plan import Plan


def allow(vm: Vm, action: str, states: tuple[VmState, ...] = (), lcm: tuple[LcmState, ...] = ()) -> None:
    """Check that a VM is in one of the states, or in ACTIVE and one of the LCM states.

    :raises ActionError: it is not; the text is OpenNebula's
    """
    if not is_in(vm, states, lcm):
        raise ActionError(
            f'Error performing action "{action}": This action is not available for state '
            f"{state_name(vm.state, vm.lcm_state)}",
            vm.id,
        )


def is_in(vm: Vm, states: tuple[VmState, ...], lcm: tuple[LcmState, ...]) -> bool:
    """Return whether a VM is in one of the states, or in ACTIVE and one of the LCM states."""
    return vm.state in states or (vm.state is VmState.ACTIVE and vm.lcm_state in lcm)


def note_action(vm: Vm, action: HistoryAction) -> None:
    """Write what ends a VM's stay into its record; the record of a stay that has ended says so already."""
    if vm.history and not vm.history[-1].etime:
        vm.history[-1].action = action


class VmPlans:
    """Begins and ends plans, inside the caller's transaction.

    :param changes: what becomes of changes to VMs
    """

    def __init__(self, core: Core, changes: Changes) -> None:
        self._core = core
        self._changes = changes

    def need(self, vm: Vm, action: VmmAction) -> None:
        """Refuse early what the driver of the VM's host has declared that it cannot do.

        :raises ActionError: it has
        """
        record = vm.last_record
        if record is not None and not self.can(vm, action):
            raise ActionError(
                f"Driver {record.vm_mad!r} of host {record.hostname!r} does not support {action.value}", vm.id
            )

    def can(self, vm: Vm, action: VmmAction) -> bool:
        """Return whether the driver of the VM's host does an action, as far as it has declared."""
        record = vm.last_record
        return record is None or self._core.drivers.can("vmm", record.vm_mad, action.value)

    def begin(self, tx: Transaction, vm: Vm, plan: Plan) -> None:
        """Begin a plan; its first step's state is saved together with what the caller has changed."""
        if (vm.state, vm.lcm_state) == operations.RUNNING:
            self.abandon(tx, vm)  # a reboot that goes on, or hangs: nothing else leaves the VM in RUNNING
        elif vm.state in (VmState.POWEROFF, VmState.SUSPENDED):
            plan = operations.ending_guest(plan, table.last_of(tx, vm.id))
        if plan.steps[0].lcm_state is LcmState.RUNNING:
            tx.vms.save(vm)
        tx.loaded["vm", vm.id] = vm
        self._core.executor.begin(tx, with_plugin_steps(self._core.hooks, plan, vm))

    def abandon(self, tx: Transaction, vm: Vm) -> Plan | None:
        """End the plan under way without an outcome, have the driver drop its request; return the plan."""
        plan = table.abandon(tx, vm.id)
        if plan is None:
            return None
        give_up(self._changes, tx, vm, plan)
        if vm.history:
            self.cancel_request(tx, vm, plan)
        return plan

    def cancel_request(self, tx: Transaction, vm: Vm, plan: Plan) -> None:
        """Stop driving a plan after the commit, and have the driver drop what it does for it."""
        core, kind, record = self._core, plan.current.kind, vm.history[-1]

        def cancel() -> None:
            core.executor.stop(plan.id)
            core.spawn(_cancel(core, kind, record, vm.id), f"cancel {kind} request of VM {vm.id}")

        tx.after_commit(cancel)


async def _cancel(core: Core, kind: str, record: HistoryRecord, vm_id: int) -> None:
    if kind == "vmm":
        await core.drivers.cancel(kind, record.vm_mad, vm_id)
    elif kind == "tm":
        forced = await core.drivers.transfer_driver(record.vm_mad)
        await core.drivers.cancel(kind, forced or record.tm_mad, vm_id)
