"""The configuration of VMs that are there: what their guests are told, and how they boot and look."""

from __future__ import annotations

from typing import Final

from opennebula_core.contracts.method import Session
from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.db.transaction import Transaction
from opennebula_core.managers.core import Core
from opennebula_core.managers.objects import UpdateKind
from opennebula_core.managers.restricted import check_restricted, keep_restricted
from opennebula_core.managers.vm.allocate import complete_vm
from opennebula_core.managers.vm.changes.plans import hotplug
from opennebula_core.managers.vm.changes.vectors import free_id
from opennebula_core.managers.vm.disks import place_context
from opennebula_core.managers.vm.plans import VmPlans, allow
from opennebula_core.managers.vm.targets import check_targets
from opennebula_core.model.objects import Vm
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.model.template import Template
from opennebula_core.plans.plan import Step

UPDATECONF: Final = "updateconf"
SECTIONS: Final = (
    "OS",
    "CPU_MODEL",
    "FEATURES",
    "INPUT",
    "GRAPHICS",
    "VIDEO",
    "RAW",
    "BACKUP_CONFIG",
    "TPM",
    "CONTEXT",
)
"""What may be changed. Source: OpenNebula 6.10, updateconf."""
_KEPT: Final = {"OS": ("UUID",), "GRAPHICS": ("PORT",), "CONTEXT": ("DISK_ID", "TARGET")}
"""What the core has given a section stays with it."""
_AT_REST: Final = (
    VmState.INIT,
    VmState.PENDING,
    VmState.HOLD,
    VmState.STOPPED,
    VmState.SUSPENDED,
    VmState.POWEROFF,
    VmState.UNDEPLOYED,
    VmState.CLONING,
    VmState.CLONING_FAILURE,
)


class Reconfigured:
    """What becomes of a configuration that a running guest is told of."""

    def done(self, tx: Transaction, vm: Vm, step: Step, info: str) -> None:
        """Keep it."""

    def undone(self, tx: Transaction, vm: Vm, step: Step) -> None:
        """Write the configuration down again that the VM had."""
        before = Template.from_json(step.arguments["before"])
        for name in SECTIONS:
            vm.template.remove(name)
        for name, value in before:
            vm.template.add(name, value)


class ConfigurationChanges:
    """The use case, inside the caller's transaction."""

    def __init__(self, core: Core, plans: VmPlans) -> None:
        self._core = core
        self._plans = plans

    def update(self, tx: Transaction, session: Session, vm_id: int, given: Template, how: UpdateKind) -> int:
        """Change the configuration; a running guest gets its new context at once, the rest at its next start.

        :param given: sections such as OS or CONTEXT; others in it are left alone
        :param how: REPLACE puts them in place of all sections, APPEND changes single attributes
        :raises RequestError: the state does not allow it, or an attribute is restricted
        """
        vm = tx.vms.get(vm_id)
        allow(vm, UPDATECONF, _AT_REST, (LcmState.RUNNING,))
        before = _sections(vm.template)
        wanted = _sections(given)
        restricted, what = self._core.config.vm.restricted_attributes, "VM Template"
        replaces = how is UpdateKind.REPLACE
        merged = wanted if replaces else _merged(before, wanted)
        # What comes of it counts: of a section that is appended to, what is not named stays.
        check_restricted(session, merged, restricted, what, before, replaces=True)
        if replaces:
            keep_restricted(session, merged, before, restricted)
        _keep_own(merged, before)
        for name in SECTIONS:
            vm.template.remove(name)
        for name, value in merged:
            vm.template.add(name, value)
        if "CONTEXT" not in before:
            _place_context(vm)
        check_targets(vm)
        complete_vm(tx, session, vm, self._core.config.vm)
        is_told = vm.state is VmState.ACTIVE and "CONTEXT" in before and "CONTEXT" in merged
        if is_told:
            self._plans.need(vm, VmmAction.UPDATECONF)
            action, was = VmmAction.UPDATECONF, before.to_json()
            self._plans.begin(tx, vm, hotplug(vm, UPDATECONF, action, LcmState.HOTPLUG, before=was))
        else:
            tx.vms.save(vm)
        return vm_id


def _place_context(vm: Vm) -> None:
    taken = {disk.get("TARGET", "") for disk in vm.template.vectors("DISK")}
    place_context(vm, free_id(vm, "DISK_ID", "DISK"), taken)


def _sections(template: Template) -> Template:
    return Template(
        (name, value if isinstance(value, str) else dict(value))
        for name, value in template
        if name in SECTIONS
    )


def _merged(before: Template, wanted: Template) -> Template:
    """Return the sections with single attributes changed; of what there are several, all as a whole."""
    merged = before.copy()
    for name in wanted.names():
        present, changed = merged.vectors(name), wanted.vectors(name)
        if len(present) == 1 and len(changed) == 1:
            present[0].update(changed[0])
        else:
            merged.remove(name)
            for vector in changed:
                merged.add(name, dict(vector))
    return merged


def _keep_own(merged: Template, before: Template) -> None:
    """Keep what the core has written: the guest's identity, its console's port, the place of its CD."""
    for name, attributes in _KEPT.items():
        present = before.vector(name)
        if present is None:
            continue
        own = {key: present[key] for key in attributes if key in present}
        section = merged.vector(name)
        if section is not None:
            section.update(own)
        elif name == "OS":
            merged.set(name, own)
