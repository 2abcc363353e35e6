"""Disks plugged into VMs that are there, and out of them."""

from __future__ import annotations

from opennebula_core.contracts.method import ObjectKind, Session
from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError
from opennebula_core.managers.core import Core
from opennebula_core.managers.restricted import check_restricted
from opennebula_core.managers.transfer.phases import Phase
from opennebula_core.managers.vm.changes.plans import hotplug, transfer
from opennebula_core.managers.vm.changes.vectors import (
    check_cluster,
    disk_of,
    free_id,
    only_vector,
    vector_with,
)
from opennebula_core.managers.vm.disks import complete_disk
from opennebula_core.managers.vm.kept_snapshots import bring_back
from opennebula_core.managers.vm.plans import VmPlans, allow
from opennebula_core.managers.vm.records import rebooked
from opennebula_core.managers.vm.requirements import set_automatic_requirements
from opennebula_core.managers.vm.targets import check_targets
from opennebula_core.model.disk_snapshots import DiskSnapshots
from opennebula_core.model.marks import ATTACHED, YES
from opennebula_core.model.objects import Vm
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.model.template import Template, Vector
from opennebula_core.plans.plan import Step

DISK_ATTACH, DISK_DETACH = "disk-attach", "disk-detach"
DISK_ID = "DISK_ID"


class DiskAttached:
    """What becomes of a disk that is being plugged in."""

    def done(self, tx: Transaction, vm: Vm, step: Step, info: str) -> None:
        """Keep it."""
        _unmark(vm, step)

    def undone(self, tx: Transaction, vm: Vm, step: Step) -> None:
        """Take it out of the VM and give its image back."""
        _remove(tx, vm, step)


class DiskDetached:
    """What becomes of a disk that is being plugged out."""

    def done(self, tx: Transaction, vm: Vm, step: Step, info: str) -> None:
        """Take it out of the VM and give its image back, with the snapshots of a persistent one."""
        disk = vector_with(vm, "DISK", DISK_ID, step.arguments["disk_id"])
        if disk is not None:
            bring_back(tx, vm, disk)
        _remove(tx, vm, step)

    def undone(self, tx: Transaction, vm: Vm, step: Step) -> None:
        """Keep it."""
        _unmark(vm, step)


def _unmark(vm: Vm, step: Step) -> None:
    disk = vector_with(vm, "DISK", DISK_ID, step.arguments["disk_id"])
    if disk is not None:
        disk.pop(ATTACHED, None)


def _remove(tx: Transaction, vm: Vm, step: Step) -> None:
    disk_id = step.arguments["disk_id"]
    disk = vector_with(vm, "DISK", DISK_ID, disk_id)
    if disk is not None:
        with rebooked(tx, vm):
            vm.template.discard("DISK", disk)
        DiskSnapshots(vm.template, disk).take_from(Template())
        tx.images.release(vm.id, disk_id)
        set_automatic_requirements(vm)


class DiskChanges:
    """The use cases, inside the caller's transaction."""

    def __init__(self, core: Core, plans: VmPlans) -> None:
        self._core = core
        self._plans = plans

    def attach(self, tx: Transaction, session: Session, vm_id: int, given: Template) -> int:
        """Give a VM that runs, or is off, one more disk.

        :param given: a template with one DISK, of an image or volatile
        :raises RequestError: its image does not exist, may not be used, or is not usable now
        """
        vm = tx.vms.get(vm_id)
        allow(vm, DISK_ATTACH, (VmState.POWEROFF,), (LcmState.RUNNING,))
        check_restricted(session, given, self._core.config.vm.restricted_attributes, "VM Template")
        with rebooked(tx, vm):
            disk = self._add(tx, session, vm, only_vector(given, "DISK", vm_id))
        self._core.hooks.check_quota(session, ObjectKind.VM, DISK_MIB=int(disk["SIZE"]))
        disk[ATTACHED] = YES
        disk_id = int(disk[DISK_ID])
        if vm.state is VmState.POWEROFF:
            state = LcmState.HOTPLUG_PROLOG_POWEROFF
            self._plans.begin(tx, vm, transfer(vm, DISK_ATTACH, Phase.ATTACH, state, disk_id=disk_id))
        else:
            self._plans.need(vm, VmmAction.ATTACHDISK)
            plan = hotplug(vm, DISK_ATTACH, VmmAction.ATTACHDISK, LcmState.HOTPLUG, disk_id=disk_id)
            self._plans.begin(tx, vm, plan)
        return vm_id

    def _add(self, tx: Transaction, session: Session, vm: Vm, given: Vector) -> Vector:
        disk_id = free_id(vm, DISK_ID, "DISK", "CONTEXT")
        devices = (*vm.template.vectors("DISK"), *vm.template.vectors("CONTEXT"))
        taken = {device["TARGET"] for device in devices if device.get("TARGET")}
        if given.get("TARGET") in taken:
            raise ActionError(f"Target {given['TARGET']} is already in use by VM {vm.id}", vm.id)
        vm.template.add("DISK", given)
        disk = vm.template.vectors("DISK")[-1]
        prefix = self._core.config.images.device_prefix
        if complete_disk(tx, session, vm, disk, disk_id, prefix, taken):
            raise ActionError(
                f"Image {disk['IMAGE_ID']} is still being made; attach it when it is READY", vm.id
            )
        check_targets(vm)
        set_automatic_requirements(vm)
        check_cluster(vm, disk, "image's datastore")
        return disk

    def detach(self, tx: Transaction, session: Session, vm_id: int, disk_id: int) -> int:
        """Take a disk out of a VM that runs, or is off; a persistent one is written back to its image.

        :raises ActionError: it has no such disk
        """
        vm = tx.vms.get(vm_id)
        allow(vm, DISK_DETACH, (VmState.POWEROFF,), (LcmState.RUNNING,))
        disk = disk_of(vm, disk_id)
        disk[ATTACHED] = YES
        if vm.state is VmState.POWEROFF:
            state = LcmState.HOTPLUG_EPILOG_POWEROFF
            self._plans.begin(tx, vm, transfer(vm, DISK_DETACH, Phase.DETACH, state, disk_id=disk_id))
        else:
            self._plans.need(vm, VmmAction.DETACHDISK)
            plan = hotplug(vm, DISK_DETACH, VmmAction.DETACHDISK, LcmState.HOTPLUG, disk_id=disk_id)
            self._plans.begin(tx, vm, plan)
        return vm_id
