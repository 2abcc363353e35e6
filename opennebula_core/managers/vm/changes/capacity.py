"""CPU and memory of VMs that are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from opennebula_core.contracts.method import ObjectKind, Session
from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError
from opennebula_core.managers.core import Core
from opennebula_core.managers.restricted import check_restricted
from opennebula_core.managers.vm.allocate import check_capacity
from opennebula_core.managers.vm.changes.plans import hotplug
from opennebula_core.managers.vm.destinations import check_capacity as check_host_capacity
from opennebula_core.managers.vm.plans import VmPlans, allow
from opennebula_core.managers.vm.records import resized
from opennebula_core.model.numbers import whole_number
from opennebula_core.model.objects import Vm
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.model.template import Template
from opennebula_core.plans.plan import Step

RESIZE: Final = "resize"
CAPACITY: Final = ("CPU", "MEMORY", "VCPU")
_AT_REST: Final = (
    VmState.INIT,
    VmState.PENDING,
    VmState.HOLD,
    VmState.POWEROFF,
    VmState.UNDEPLOYED,
    VmState.CLONING,
    VmState.CLONING_FAILURE,
)


class Resized:
    """What becomes of a VM that is resized while it runs."""

    def done(self, tx: Transaction, vm: Vm, step: Step, info: str) -> None:
        """Leave it so: the new capacity is booked already."""

    def undone(self, tx: Transaction, vm: Vm, step: Step) -> None:
        """Give it the capacity again that it had, in one more stay."""
        with resized(tx, vm):
            _set(vm, step.arguments["before"])


def _set(vm: Vm, capacity: Mapping[str, str]) -> None:
    for name in CAPACITY:
        vm.template.remove(name)
        if capacity.get(name):
            vm.template.set(name, capacity[name])


class CapacityChanges:
    """The use case, inside the caller's transaction."""

    def __init__(self, core: Core, plans: VmPlans) -> None:
        self._core = core
        self._plans = plans

    def resize(self, tx: Transaction, session: Session, vm_id: int, given: Template, enforce: bool) -> int:
        """Give a VM another capacity; one that runs has to have been made for it, by MEMORY_MAX and VCPU_MAX.

        :param given: CPU, MEMORY, VCPU; what is left out stays
        :param enforce: check the room on the host; administrators alone may do without
        :raises RequestError: the state, the host or a quota does not allow it, or a number is wrong
        """
        vm = tx.vms.get(vm_id)
        allow(vm, RESIZE, _AT_REST, (LcmState.RUNNING,))
        check_restricted(session, given, self._core.config.vm.restricted_attributes, "VM Template")
        before = {name: vm.template.get(name) for name in CAPACITY}
        cpu_percent, memory_mib = vm.cpu_percent, vm.memory_mib
        is_running = vm.state is VmState.ACTIVE
        wanted = _wanted(vm, given)
        if is_running:
            self._check_live(vm, wanted)
        with resized(tx, vm):
            _set(vm, {name: wanted.get(name) for name in CAPACITY})
            grows = vm.cpu_percent > cpu_percent or vm.memory_mib > memory_mib
            if grows and (enforce or not session.is_admin):
                _check_room(tx, vm)
        self._core.hooks.check_quota(
            session,
            ObjectKind.VM,
            CPU_PERCENT=vm.cpu_percent - cpu_percent,
            MEMORY_MIB=vm.memory_mib - memory_mib,
        )
        if is_running:
            state = LcmState.HOTPLUG_RESIZE
            self._plans.begin(tx, vm, hotplug(vm, RESIZE, VmmAction.RESIZE, state, before=before))
        else:
            tx.vms.save(vm)
        return vm_id

    def _check_live(self, vm: Vm, wanted: Template) -> None:
        self._plans.need(vm, VmmAction.RESIZE)
        for name, limit in (("MEMORY", "MEMORY_MAX"), ("VCPU", "VCPU_MAX")):
            if wanted.get(name) == vm.template.get(name):
                continue
            number, most = whole_number(wanted.get(name)), whole_number(vm.template.get(limit))
            if number is None or most is None or number > most:
                raise ActionError(
                    f"{name} of VM {vm.id} cannot become {wanted.get(name) or 'the default'} while it runs: "
                    f"its {limit} is {most or 'not set'}; power it off first",
                    vm.id,
                )


def _wanted(vm: Vm, given: Template) -> Template:
    wanted = Template((name, given.get(name) or vm.template.get(name)) for name in ("CPU", "MEMORY"))
    vcpu = given.get("VCPU") or vm.template.get("VCPU")
    if vcpu:
        wanted.set("VCPU", vcpu)
    check_capacity(wanted)
    return wanted


def _check_room(tx: Transaction, vm: Vm) -> None:
    """Hold the new capacity against the host, which counts nothing of the VM at this moment."""
    record = vm.last_record
    if record is not None and record.etime and vm.state in (VmState.POWEROFF, VmState.ACTIVE):
        check_host_capacity(tx.hosts.get(record.host_id), vm)
