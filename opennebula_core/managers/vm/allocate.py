"""Making a VM from a template text: what it uses is resolved, taken and written down in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from opennebula_core.config.settings import VmSettings
from opennebula_core.contracts.method import Session
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import InternalError
from opennebula_core.managers.ownership import owned_by
from opennebula_core.managers.restricted import check_restricted
from opennebula_core.managers.schedule.actions import take_over_actions
from opennebula_core.managers.secgroup.membership import take_groups
from opennebula_core.managers.vm.context import VectorLookup, replace_variables, template_lookup
from opennebula_core.managers.vm.disks import resolve_disks
from opennebula_core.managers.vm.nics import resolve_nics
from opennebula_core.managers.vm.requirements import set_automatic_requirements
from opennebula_core.managers.vm_group.membership import take_role
from opennebula_core.model.numbers import decimal_number, whole_number
from opennebula_core.model.objects import Vm
from opennebula_core.model.states import VmState
from opennebula_core.model.template import Template, Vector

UNDERSTOOD = frozenset(
    [
        "AUTOMATIC_REQUIREMENTS",
        "AUTOMATIC_DS_REQUIREMENTS",
        "AUTOMATIC_NIC_REQUIREMENTS",
        "BACKUP_CONFIG",
        "CLONING_TEMPLATE_ID",
        "CONTEXT",
        "CPU",
        "CPU_COST",
        "CPU_MODEL",
        "DISK",
        "DISK_COST",
        "EMULATOR",
        "FEATURES",
        "GRAPHICS",
        "HYPERV_OPTIONS",
        "IMPORTED",
        "INPUT",
        "MEMORY",
        "MEMORY_COST",
        "MEMORY_ENCRYPTION",
        "MEMORY_MAX",
        "MEMORY_RESIZE_MODE",
        "MEMORY_SLOTS",
        "NIC",
        "NIC_ALIAS",
        "NIC_DEFAULT",
        "NUMA_NODE",
        "OS",
        "PCI",
        "RAW",
        "SCHED_ACTION",
        "SECURITY_GROUP_RULE",
        "SNAPSHOT",
        "SPICE_OPTIONS",
        "SUBMIT_ON_HOLD",
        "TEMPLATE_ID",
        "TM_MAD_SYSTEM",
        "TOPOLOGY",
        "TPM",
        "VCPU",
        "VCPU_MAX",
        "VIDEO",
        "VMGROUP",
        "VMID",
        "VROUTER_ID",
        "VROUTER_KEEPALIVED_ID",
        "VROUTER_KEEPALIVED_PASSWORD",
    ]
)
"""What goes into TEMPLATE; everything else is the user's, USER_TEMPLATE. Source: VM document of 6.10."""
_RENAMED = {"REQUIREMENTS": "SCHED_REQUIREMENTS", "RANK": "SCHED_RANK"}
_SET_BY_CORE = (
    "AUTOMATIC_REQUIREMENTS",
    "AUTOMATIC_DS_REQUIREMENTS",
    "AUTOMATIC_NIC_REQUIREMENTS",
    "VMID",
    "SECURITY_GROUP_RULE",
    "SNAPSHOT",
)
MAX_CPU, MAX_VCPU, MAX_MEMORY_MIB = 10_000.0, 10_000, 1 << 30


def allocate_vm(
    tx: Transaction,
    session: Session,
    template: Template,
    settings: VmSettings,
    device_prefix: str,
    *,
    hold: bool,
    is_checked: bool = False,
) -> Vm:
    """Make a VM in PENDING (or HOLD, or CLONING while an image is still being copied), and return it.

    :param template: is changed
    :param is_checked: restricted attributes were looked at already; those of a stored template may be used
    :raises RequestError: something it names does not exist, may not be used, or is used up
    """
    if not is_checked:
        check_restricted(session, template, settings.restricted_attributes, "VM Template")
    vm = _new_vm(tx, session, template)
    check_capacity(vm.template)
    waits = resolve_disks(tx, session, vm, device_prefix)
    resolve_nics(tx, session, vm)
    take_groups(tx, vm, is_new=True)
    if "VMGROUP" in vm.template:
        take_role(tx, session, vm)
    set_automatic_requirements(vm)
    complete_vm(tx, session, vm, settings)
    hold = hold or settings.submit_on_hold
    if hold:
        vm.template.set("SUBMIT_ON_HOLD", "YES")
    ready = VmState.HOLD if hold else VmState.PENDING
    vm.state = vm.prev_state = VmState.CLONING if waits else ready
    take_over_actions(tx, vm)
    tx.vms.allocate(vm)
    return vm


def vm_demand(vm: Vm) -> dict[str, int]:
    """Return what a VM takes from its owner's share, as quota hooks see it."""
    return {
        "VMS": 1,
        "CPU_PERCENT": vm.cpu_percent,
        "MEMORY_MIB": vm.memory_mib,
        "LEASES": sum("NETWORK_ID" in nic for nic in vm.template.vectors("NIC")),
    }


def _new_vm(tx: Transaction, session: Session, given: Template) -> Vm:
    vm_id = tx.next_id(tx.vms.statements.table)
    vm = Vm(
        id=vm_id,
        name=given.take("NAME") or f"one-{vm_id}",
        **owned_by(session),
        stime=tx.now,
    )
    for name in _SET_BY_CORE:
        given.remove(name)
    for name, value in given:
        name = _RENAMED.get(name, name)
        (vm.template if name in UNDERSTOOD else vm.user_template).add(name, value)
    vm.template.set("VMID", str(vm_id))
    return vm


def check_capacity(template: Template) -> None:
    """Check what the VM asks for; of an attribute given twice the first counts, and the others go.

    Source: OpenNebula's checks of CPU, VCPU and MEMORY at allocation.

    :raises InternalError: a number is none, or out of range
    """
    cpu, memory = decimal_number(template.get("CPU")), decimal_number(template.get("MEMORY"))
    for name, number, limit in (("CPU", cpu, MAX_CPU), ("MEMORY", memory, MAX_MEMORY_MIB)):
        if number is None or not 0 < number <= limit:
            raise InternalError(f"{name} attribute must be a positive float or integer value.")
    if memory != int(memory or 0):
        raise InternalError("MEMORY attribute must be a positive integer value.")
    if "VCPU" in template and not whole_number(template.get("VCPU", "1") or "1", MAX_VCPU):
        raise InternalError("VCPU attribute must be a positive integer value.")
    template.set("MEMORY", str(int(memory)))
    template.set("CPU", template.get("CPU"))
    if "VCPU" in template:
        template.set("VCPU", template.get("VCPU"))


def complete_vm(tx: Transaction, session: Session, vm: Vm, settings: VmSettings) -> None:
    """Complete what users leave to the core: the guest's identity, its console's port, its context."""
    os_section = vm.template.vector("OS") or Vector()
    os_section.setdefault("UUID", str(uuid.uuid4()))
    vm.template.set("OS", os_section)
    graphics = vm.template.vector("GRAPHICS")
    if graphics is not None and not graphics.get("PORT"):
        graphics["PORT"] = str(settings.vnc_port_start + vm.id)
    context = vm.template.vector("CONTEXT")
    if context is not None:
        _replace_context(tx, session, vm, context)


def _replace_context(tx: Transaction, session: Session, vm: Vm, context: Vector) -> None:
    if not any("$" in value for value in context.values()):
        return
    attributes = {
        "UID": str(vm.uid),
        "GID": str(vm.gid),
        "UNAME": vm.uname,
        "GNAME": vm.gname,
        "NAME": vm.name,
        "VMID": str(vm.id),
        **{name: value for name, value in vm.user_template if isinstance(value, str)},
        **{name: value for name, value in vm.template if isinstance(value, str)},
    }
    vectors = _object_lookup(tx, session, vm)
    for name, value in context.items():
        if "$" in value and name not in ("START_SCRIPT", "START_SCRIPT_BASE64"):
            context[name] = replace_variables(value, attributes, vectors)


def _object_lookup(tx: Transaction, session: Session, vm: Vm) -> VectorLookup:
    own = template_lookup(vm.template)

    def lookup(name: str, attribute: str, conditions: Mapping[str, str]) -> str:
        if name == "NETWORK":
            nic = own("NIC", "NETWORK_ID", conditions)
            network_id = whole_number(nic)
            network = tx.networks.find(network_id) if network_id is not None else None
            return network.template.get(attribute) if network is not None else ""
        if name == "IMAGE":
            disk = own("DISK", "IMAGE_ID", conditions)
            image_id = whole_number(disk)
            image = tx.images.find(image_id) if image_id is not None else None
            return image.template.get(attribute) if image is not None else ""
        if name == "USER":
            # An administrator who changes a VM does it for its owner; others get to see nothing of him.
            user = tx.users.find(vm.uid if session.is_admin else session.user_id)
            return user.template.get(attribute) if user is not None else ""
        return own(name, attribute, conditions)

    return lookup
