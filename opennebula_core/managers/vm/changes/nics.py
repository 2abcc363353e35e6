"""NICs plugged into VMs that are there, and out of them."""

from __future__ import annotations

from opennebula_core.contracts.method import ObjectKind, Session
from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError
from opennebula_core.managers.core import Core
from opennebula_core.managers.restricted import check_restricted
from opennebula_core.managers.secgroup.membership import take_groups
from opennebula_core.managers.vm.changes.plans import hotplug
from opennebula_core.managers.vm.changes.vectors import check_cluster, free_id, only_vector, vector_with
from opennebula_core.managers.vm.nics import complete_nic, is_waiting
from opennebula_core.managers.vm.plans import VmPlans, allow
from opennebula_core.managers.vm.requirements import set_automatic_requirements
from opennebula_core.model.marks import ATTACHED, YES
from opennebula_core.model.objects import Vm
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.model.template import Template, Vector
from opennebula_core.plans.plan import Step

NIC_ATTACH, NIC_DETACH = "nic-attach", "nic-detach"
NIC_ID = "NIC_ID"


class NicAttached:
    """What becomes of a NIC that is being plugged in."""

    def done(self, tx: Transaction, vm: Vm, step: Step, info: str) -> None:
        """Keep it."""
        _unmark(vm, step)

    def undone(self, tx: Transaction, vm: Vm, step: Step) -> None:
        """Take it out of the VM and give its address back."""
        _remove(tx, vm, step.arguments["nic_id"])


class NicDetached:
    """What becomes of a NIC that is being plugged out."""

    def done(self, tx: Transaction, vm: Vm, step: Step, info: str) -> None:
        """Take it out of the VM and give its address back."""
        _remove(tx, vm, step.arguments["nic_id"])

    def undone(self, tx: Transaction, vm: Vm, step: Step) -> None:
        """Keep it."""
        _unmark(vm, step)


def _unmark(vm: Vm, step: Step) -> None:
    nic = vector_with(vm, "NIC", NIC_ID, step.arguments["nic_id"])
    if nic is not None:
        nic.pop(ATTACHED, None)


def _remove(tx: Transaction, vm: Vm, nic_id: int) -> None:
    nic = vector_with(vm, "NIC", NIC_ID, nic_id)
    if nic is not None:
        vm.template.discard("NIC", nic)
        tx.networks.release_vm(vm.id, nic_id)
        take_groups(tx, vm)
        set_automatic_requirements(vm)


class NicChanges:
    """The use cases, inside the caller's transaction. A VM that is off has no guest to plug anything into."""

    def __init__(self, core: Core, plans: VmPlans) -> None:
        self._core = core
        self._plans = plans

    def attach(self, tx: Transaction, session: Session, vm_id: int, given: Template) -> int:
        """Give a VM that runs, or is off, one more NIC.

        :param given: a template with one NIC
        :raises RequestError: its network does not exist, may not be used, or has no such address left
        """
        vm = tx.vms.get(vm_id)
        allow(vm, NIC_ATTACH, (VmState.POWEROFF,), (LcmState.RUNNING,))
        check_restricted(session, given, self._core.config.vm.restricted_attributes, "VM Template")
        nic = self._add(tx, session, vm, only_vector(given, "NIC", vm_id))
        self._core.hooks.check_quota(session, ObjectKind.VM, LEASES=int("NETWORK_ID" in nic))
        if vm.state is VmState.POWEROFF:
            tx.vms.save(vm)
        else:
            self._begin(tx, vm, nic, NIC_ATTACH, VmmAction.ATTACHNIC)
        return vm_id

    @staticmethod
    def _add(tx: Transaction, session: Session, vm: Vm, given: Vector) -> Vector:
        nic_id = free_id(vm, NIC_ID, "NIC")
        vm.template.add("NIC", given)
        nic = vm.template.vectors("NIC")[-1]
        complete_nic(tx, session, vm, nic, nic_id)
        if is_waiting(nic):
            raise ActionError("A NIC that is attached needs a network; name it by NETWORK_ID", vm.id)
        take_groups(tx, vm)
        set_automatic_requirements(vm)
        check_cluster(vm, nic, "network")
        return nic

    def detach(self, tx: Transaction, session: Session, vm_id: int, nic_id: int) -> int:
        """Take a NIC out of a VM that runs, or is off.

        :raises ActionError: it has no such NIC
        """
        vm = tx.vms.get(vm_id)
        allow(vm, NIC_DETACH, (VmState.POWEROFF,), (LcmState.RUNNING,))
        nic = vector_with(vm, "NIC", NIC_ID, nic_id)
        if nic is None:
            raise ActionError(f"NIC with ID {nic_id} does not exist in VM {vm_id}", vm_id)
        if vm.state is VmState.POWEROFF:
            _remove(tx, vm, nic_id)
            tx.vms.save(vm)
        else:
            self._begin(tx, vm, nic, NIC_DETACH, VmmAction.DETACHNIC)
        return vm_id

    def _begin(self, tx: Transaction, vm: Vm, nic: Vector, operation: str, action: VmmAction) -> None:
        self._plans.need(vm, action)
        nic[ATTACHED] = YES
        self._plans.begin(
            tx, vm, hotplug(vm, operation, action, LcmState.HOTPLUG_NIC, nic_id=int(nic[NIC_ID]))
        )
