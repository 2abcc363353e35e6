"""Bringing VMs to hosts, and from one to another."""

from __future__ import annotations

from opennebula_core.contracts.method import Session
from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError, InternalError
from opennebula_core.managers.secgroup.membership import take_groups
from opennebula_core.managers.vm import operations
from opennebula_core.managers.vm.destinations import Placement, destination
from opennebula_core.managers.vm.nics import lease_nic
from opennebula_core.managers.vm.operations import MigrationKind
from opennebula_core.managers.vm.plans import VmPlans, is_in
from opennebula_core.managers.vm.records import open_record, waits_on_front_end
from opennebula_core.managers.vm.requirements import set_automatic_requirements
from opennebula_core.model.objects import Host, Vm
from opennebula_core.model.states import HistoryAction, LcmState, VmState
from opennebula_core.model.template import Template
from opennebula_core.model.transitions import state_name

_DEPLOYABLE = (VmState.PENDING, VmState.HOLD, VmState.STOPPED, VmState.UNDEPLOYED)
_MIGRATION_ACTIONS = {
    MigrationKind.SAVE: HistoryAction.MIGRATE,
    MigrationKind.POWEROFF: HistoryAction.POWEROFF_MIGRATE,
    MigrationKind.POWEROFF_HARD: HistoryAction.POWEROFF_HARD_MIGRATE,
}


class VmPlacement:
    """The use cases that place VMs; every method runs inside the caller's transaction."""

    def __init__(self, plans: VmPlans) -> None:
        self._plans = plans

    def deploy(
        self, tx: Transaction, session: Session, vm_id: int, placement: Placement, extra: Template
    ) -> int:
        """Bring a VM that waits to a host.

        :param extra: NIC vectors with the networks that were chosen for automatic NICs
        """
        vm = tx.vms.get(vm_id)
        if vm.state not in _DEPLOYABLE:
            raise ActionError(
                f"Deploy action is not available for state {state_name(vm.state, vm.lcm_state)}", vm_id
            )
        host, datastore = destination(tx, vm, placement, _last_datastore_id(vm))
        _lease_automatic(tx, session, vm, extra)
        open_record(tx, vm, host, datastore, session.user_id, session.group_id)
        vm.user_template.remove("SCHED_MESSAGE")
        self._plans.begin(tx, vm, operations.deploy(vm))
        return vm_id

    def migrate(
        self,
        tx: Transaction,
        session: Session,
        vm_id: int,
        placement: Placement,
        *,
        live: bool,
        kind: MigrationKind,
    ) -> int:
        """Move a VM to another host."""
        vm = tx.vms.get(vm_id)
        _check_state(vm, live=live)
        here = vm.history[-1]
        if here.host_id == placement.host_id:
            raise ActionError(f"VM {vm_id} is already running on host {here.hostname!r}", vm_id)
        host, datastore = destination(tx, vm, placement, here.datastore_id)
        _check_host(vm, host)
        if live and datastore.id != here.datastore_id:
            raise ActionError(
                f"Cannot migrate VM {vm_id} live to system datastore {datastore.id}: its disks are in "
                f"{here.datastore_id} and stay there; name that one or none, or migrate it without live",
                vm_id,
            )
        if live:
            self._plans.need(vm, VmmAction.MIGRATE)
            _check_snapshots(vm)
        elif kind is MigrationKind.SAVE and vm.lcm_state is LcmState.RUNNING:
            self._plans.need(vm, VmmAction.SAVE)
        plan = operations.migrate_live(vm) if live else operations.migrate(vm, kind)
        here.action = HistoryAction.LIVE_MIGRATE if live else _MIGRATION_ACTIONS[kind]
        open_record(tx, vm, host, datastore, session.user_id, session.group_id)
        vm.resched = False
        self._plans.begin(tx, vm, plan)
        return vm_id


def _last_datastore_id(vm: Vm) -> int:
    """Return the system datastore that a stopped VM goes back to, -1 for one that starts anew."""
    return vm.history[-1].datastore_id if waits_on_front_end(vm) else -1


def _lease_automatic(tx: Transaction, session: Session, vm: Vm, extra: Template) -> None:
    waiting = [
        nic
        for nic in vm.template.vectors("NIC")
        if nic.get("NETWORK_MODE", "").lower() == "auto" and "NETWORK_ID" not in nic
    ]
    if not waiting:
        return
    chosen = {nic.get("NIC_ID"): nic.get("NETWORK_ID", "") for nic in extra.vectors("NIC")}
    for nic in waiting:
        if not chosen.get(nic["NIC_ID"]):
            raise ActionError(f"NIC {nic['NIC_ID']} needs a network; name it in the extra template", vm.id)
        nic["NETWORK_ID"] = chosen[nic["NIC_ID"]]
        lease_nic(tx, session, vm, nic)
    take_groups(tx, vm)
    set_automatic_requirements(vm)


def _check_state(vm: Vm, *, live: bool) -> None:
    states = () if live else (VmState.POWEROFF, VmState.SUSPENDED)
    lcm = (LcmState.RUNNING,) if live else (LcmState.RUNNING, LcmState.UNKNOWN)
    if not is_in(vm, states, lcm):
        raise ActionError(
            f"Migrate action is not available for state {state_name(vm.state, vm.lcm_state)}", vm.id
        )


def _check_snapshots(vm: Vm) -> None:
    if "SNAPSHOT" in vm.template:
        raise ActionError(
            f"VM {vm.id} cannot be migrated live while it has snapshots; delete them, or migrate it cold",
            vm.id,
        )


def _check_host(vm: Vm, host: Host) -> None:
    here = vm.history[-1]
    if host.vm_mad != here.vm_mad:
        raise ActionError(
            f"Cannot migrate VM {vm.id} from a {here.vm_mad} host to a {host.vm_mad} host", vm.id
        )
    allowed = vm.template.get("AUTOMATIC_REQUIREMENTS")
    if "CLUSTER_ID" in allowed and f"CLUSTER_ID = {host.cluster_id}" not in allowed:
        raise ActionError(
            f"Cannot migrate to a different cluster. VM {vm.id} needs what cluster {host.cluster_id} "
            f"does not have",
            vm.id,
        )


def migration_kind(number: int, vm_id: int) -> MigrationKind:
    """Return the kind of cold migration that a client's number means.

    :raises InternalError: there is none
    """
    try:
        return MigrationKind(number)
    except ValueError:
        raise InternalError(
            f"Wrong migration type {number}; use 0 save, 1 poweroff, 2 poweroff-hard", vm_id
        ) from None
