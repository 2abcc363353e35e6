"""What may be done to a VM, and when: each use case checks the state, opens records, and begins a plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from opennebula_core.contracts.method import ObjectKind, Right, Session
from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError, InternalError
from opennebula_core.managers.core import Core
from opennebula_core.managers.rights import require
from opennebula_core.managers.vm import operations
from opennebula_core.managers.vm.effects import VmEffects
from opennebula_core.managers.vm.hooks import with_plugin_steps
from opennebula_core.managers.vm.nics import lease_nic
from opennebula_core.managers.vm.operations import MigrationKind
from opennebula_core.managers.vm.records import open_record, reopen_record
from opennebula_core.managers.vm.requirements import set_automatic_requirements
from opennebula_core.model.objects import Datastore, Host, Vm
from opennebula_core.model.states import (
    DatastoreState,
    DatastoreType,
    HistoryAction,
    HostState,
    LcmState,
    VmState,
)
from opennebula_core.model.template import Template
from opennebula_core.model.transitions import state_name
from opennebula_core.plans import table
from opennebula_core.plans.plan import Plan

_UNDEPLOYABLE = (LcmState.RUNNING, LcmState.UNKNOWN)
_WAITS_ON_FRONT_END = (HistoryAction.STOP, HistoryAction.UNDEPLOY, HistoryAction.UNDEPLOY_HARD)
_KIB_PER_MIB = 1024


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a VM shall go. ``datastore_id`` -1 lets the core choose; ``enforce`` checks the capacity."""

    host_id: int
    datastore_id: int = -1
    enforce: bool = False


class VmActions:
    """The use cases over VMs; every method runs inside the caller's transaction."""

    def __init__(self, core: Core, effects: VmEffects) -> None:
        self._core = core
        self._effects = effects
        self._actions: dict[str, Callable[[Transaction, Session, Vm], None]] = {
            "terminate": lambda tx, session, vm: self.terminate(tx, vm, hard=False),
            "terminate-hard": lambda tx, session, vm: self.terminate(tx, vm, hard=True),
            "poweroff": lambda tx, session, vm: self._poweroff(tx, vm, hard=False),
            "poweroff-hard": lambda tx, session, vm: self._poweroff(tx, vm, hard=True),
            "undeploy": lambda tx, session, vm: self._undeploy(tx, vm, hard=False),
            "undeploy-hard": lambda tx, session, vm: self._undeploy(tx, vm, hard=True),
            "suspend": lambda tx, session, vm: self._suspend(tx, vm),
            "stop": lambda tx, session, vm: self._stop(tx, vm),
            "resume": self._resume,
            "reboot": lambda tx, session, vm: self._reboot(tx, vm, hard=False),
            "reboot-hard": lambda tx, session, vm: self._reboot(tx, vm, hard=True),
            "hold": lambda tx, session, vm: self._hold(tx, vm),
            "release": lambda tx, session, vm: self._release(tx, vm),
            "resched": lambda tx, session, vm: self._resched(tx, session, vm, wanted=True),
            "unresched": lambda tx, session, vm: self._resched(tx, session, vm, wanted=False),
        }

    def perform(self, tx: Transaction, session: Session, name: str, vm_id: int) -> int:
        """Carry out one of the actions of ``one.vm.action``.

        :raises ActionError: there is no such action, or the state does not allow it
        """
        action = self._actions.get(name)
        if action is None:
            raise ActionError(f'Action "{name}" is not supported', vm_id)
        action(tx, session, tx.vms.get(vm_id))
        return vm_id

    # -- checks ----------------------------------------------------------------------------------

    @staticmethod
    def _allow(vm: Vm, action: str, states: tuple[VmState, ...] = (), lcm: tuple[LcmState, ...] = ()) -> None:
        if vm.state in states or (vm.state is VmState.ACTIVE and vm.lcm_state in lcm):
            return
        raise ActionError(
            f'Error performing action "{action}": This action is not available for state '
            f"{state_name(vm.state, vm.lcm_state)}",
            vm.id,
        )

    def _need(self, vm: Vm, action: VmmAction) -> None:
        """Refuse early what the host's driver has declared that it cannot do."""
        record = vm.last_record
        if record is not None and not self._core.drivers.can("vmm", record.vm_mad, action.value):
            raise ActionError(
                f"Driver {record.vm_mad!r} of host {record.hostname!r} does not support {action.value}", vm.id
            )

    def _begin(self, tx: Transaction, vm: Vm, plan: Plan) -> None:
        """Begin a plan; its first step's state is saved together with what the caller has changed."""
        if plan.steps[0].lcm_state is LcmState.RUNNING:
            tx.vms.save(vm)
        tx.loaded["vm", vm.id] = vm
        self._core.executor.begin(tx, with_plugin_steps(self._core.hooks, plan, vm))

    @staticmethod
    def _ending_with(vm: Vm, action: HistoryAction) -> None:
        if vm.history and not vm.history[-1].etime:
            vm.history[-1].action = action

    # -- ends ------------------------------------------------------------------------------------

    def terminate(self, tx: Transaction, vm: Vm, *, hard: bool) -> None:
        """End a VM from whatever state it is in."""
        if vm.state is VmState.DONE:
            return
        if vm.state in (
            VmState.INIT,
            VmState.PENDING,
            VmState.HOLD,
            VmState.CLONING,
            VmState.CLONING_FAILURE,
        ):
            self._end_unplaced(tx, vm)
            return
        if vm.state is VmState.ACTIVE and vm.lcm_state.name.endswith("_FAILURE"):
            self.delete(tx, vm)
            return
        if hard and vm.lcm_state is LcmState.SHUTDOWN:
            self.abandon(tx, vm)
        elif vm.state is VmState.ACTIVE and vm.lcm_state not in _UNDEPLOYABLE:
            raise ActionError(
                f"Could not terminate VM {vm.id}, wrong state {state_name(vm.state, vm.lcm_state)}.", vm.id
            )
        self._ending_with(vm, HistoryAction.TERMINATE_HARD if hard else HistoryAction.TERMINATE)
        self._begin(tx, vm, operations.terminate(vm, hard=hard))

    def _end_unplaced(self, tx: Transaction, vm: Vm) -> None:
        if vm.history and vm.history[-1].action in _WAITS_ON_FRONT_END:
            # Its disks wait on the front-end.
            vm.state = VmState.UNDEPLOYED
            self._begin(tx, vm, operations.terminate(vm, hard=True))
            return
        self._effects.arrive(tx, vm, *operations.DONE)

    def delete(self, tx: Transaction, vm: Vm, *, recreate: bool = False) -> None:
        """Remove whatever there is of a VM, whatever was under way; ``recreate`` lets it start anew."""
        if vm.state is VmState.DONE:
            return
        self.abandon(tx, vm)
        on_host = vm.state in (VmState.ACTIVE, VmState.SUSPENDED, VmState.POWEROFF)
        on_front_end = vm.state in (VmState.STOPPED, VmState.UNDEPLOYED)
        if not vm.history or not (on_host or on_front_end):
            if recreate:
                self._effects.arrive(tx, vm, *operations.PENDING)
            else:
                self._end_unplaced(tx, vm)
            return
        self._ending_with(vm, HistoryAction.DELETE_RECREATE if recreate else HistoryAction.DELETE)
        make = operations.recreate if recreate else operations.delete
        self._begin(tx, vm, make(vm, self._other_host(vm)))

    @staticmethod
    def _other_host(vm: Vm) -> str:
        if "MIGRATE" in vm.lcm_state.name and len(vm.history) > 1:
            return vm.history[-2].hostname
        return ""

    def abandon(self, tx: Transaction, vm: Vm) -> None:
        """End the plan under way without an outcome, and have the driver drop its request."""
        plan = table.abandon(tx, vm.id)
        if plan is not None and vm.history:
            self.cancel_request(tx, vm, plan)

    def cancel_request(self, tx: Transaction, vm: Vm, plan: Plan) -> None:
        """Stop driving a plan after the commit, and have the driver drop what it does for it."""
        kind, record = plan.current.kind, vm.history[-1]
        name = record.vm_mad if kind == "vmm" else record.tm_mad
        core, plan_id = self._core, plan.id

        def cancel() -> None:
            core.executor.stop(plan_id)
            core.spawn(core.drivers.cancel(kind, name, vm.id), f"cancel {kind} request of VM {vm.id}")

        tx.after_commit(cancel)

    # -- sleep and wake --------------------------------------------------------------------------

    def _poweroff(self, tx: Transaction, vm: Vm, *, hard: bool) -> None:
        self._allow(vm, "poweroff-hard" if hard else "poweroff", lcm=_UNDEPLOYABLE)
        self._ending_with(vm, HistoryAction.POWEROFF_HARD if hard else HistoryAction.POWEROFF)
        self._begin(tx, vm, operations.poweroff(vm, hard=hard))

    def _undeploy(self, tx: Transaction, vm: Vm, *, hard: bool) -> None:
        self._allow(vm, "undeploy-hard" if hard else "undeploy", (VmState.POWEROFF,), _UNDEPLOYABLE)
        self._ending_with(vm, HistoryAction.UNDEPLOY_HARD if hard else HistoryAction.UNDEPLOY)
        self._begin(tx, vm, operations.undeploy(vm, hard=hard))

    def _suspend(self, tx: Transaction, vm: Vm) -> None:
        self._allow(vm, "suspend", lcm=(LcmState.RUNNING,))
        self._need(vm, VmmAction.SAVE)
        self._ending_with(vm, HistoryAction.SUSPEND)
        self._begin(tx, vm, operations.suspend(vm))

    def _stop(self, tx: Transaction, vm: Vm) -> None:
        self._allow(vm, "stop", (VmState.SUSPENDED,), (LcmState.RUNNING,))
        self._need(vm, VmmAction.SAVE)
        self._ending_with(vm, HistoryAction.STOP)
        self._begin(tx, vm, operations.stop(vm))

    def _resume(self, tx: Transaction, session: Session, vm: Vm) -> None:
        self._allow(
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
        self._begin(tx, vm, plan)

    def resume_at_home(self, tx: Transaction, vm: Vm) -> None:
        """Start a VM whose record is open already: a migration was given up and it sleeps at home."""
        self._begin(tx, vm, operations.resume(vm))

    def _reboot(self, tx: Transaction, vm: Vm, *, hard: bool) -> None:
        self._allow(vm, "reboot-hard" if hard else "reboot", lcm=(LcmState.RUNNING,))
        self._need(vm, VmmAction.RESET if hard else VmmAction.REBOOT)
        self._begin(tx, vm, operations.reboot(vm, hard=hard))

    # -- waiting ---------------------------------------------------------------------------------

    def _hold(self, tx: Transaction, vm: Vm) -> None:
        self._allow(vm, "hold", (VmState.PENDING, VmState.HOLD))
        self._effects.set_state(tx, vm, VmState.HOLD, LcmState.LCM_INIT)

    def _release(self, tx: Transaction, vm: Vm) -> None:
        self._allow(vm, "release", (VmState.HOLD,))
        self._effects.set_state(tx, vm, *operations.PENDING)

    def _resched(self, tx: Transaction, session: Session, vm: Vm, *, wanted: bool) -> None:
        require(tx, session, ObjectKind.VM, Right.ADMIN, vm.id)
        self._allow(vm, "resched" if wanted else "unresched", (VmState.POWEROFF,), _UNDEPLOYABLE)
        vm.resched = wanted
        tx.vms.save(vm, "resched" if wanted else "unresched")

    # -- placement -------------------------------------------------------------------------------

    def deploy(
        self, tx: Transaction, session: Session, vm_id: int, placement: Placement, extra: Template
    ) -> int:
        """Bring a VM that waits to a host.

        :param extra: NIC vectors with the networks that were chosen for automatic NICs
        """
        vm = tx.vms.get(vm_id)
        if vm.state not in (VmState.PENDING, VmState.HOLD, VmState.STOPPED, VmState.UNDEPLOYED):
            raise ActionError(
                f"Deploy action is not available for state {state_name(vm.state, vm.lcm_state)}", vm_id
            )
        host = self._usable_host(tx, placement.host_id)
        if placement.enforce:
            self._check_capacity(host, vm)
        datastore = self._system_datastore(tx, host, self._wanted_datastore(vm, placement.datastore_id))
        self._lease_automatic(tx, session, vm, extra)
        open_record(tx, vm, host, datastore, session.user_id, session.group_id)
        vm.template.set("TM_MAD_SYSTEM", datastore.tm_mad)
        vm.user_template.remove("SCHED_MESSAGE")
        self._begin(tx, vm, operations.deploy(vm))
        return vm_id

    @staticmethod
    def _wanted_datastore(vm: Vm, wanted: int) -> int:
        """Return the system datastore for a deployment; a stopped VM goes back to the one it had."""
        if not vm.history or vm.history[-1].action not in _WAITS_ON_FRONT_END:
            return wanted
        return vm.history[-1].datastore_id if wanted == -1 else wanted

    @staticmethod
    def _lease_automatic(tx: Transaction, session: Session, vm: Vm, extra: Template) -> None:
        chosen = {nic.get("NIC_ID"): nic.get("NETWORK_ID", "") for nic in extra.vectors("NIC")}
        for nic in vm.template.vectors("NIC"):
            if nic.get("NETWORK_MODE", "").lower() == "auto" and "NETWORK_ID" not in nic:
                if not chosen.get(nic["NIC_ID"]):
                    raise ActionError(
                        f"NIC {nic['NIC_ID']} needs a network; name it in the extra template", vm.id
                    )
                nic["NETWORK_ID"] = chosen[nic["NIC_ID"]]
                lease_nic(tx, session, vm, nic)

    @staticmethod
    def _usable_host(tx: Transaction, host_id: int) -> Host:
        host = tx.hosts.get(host_id)
        if host.state is HostState.OFFLINE:
            raise ActionError(f"Could not deploy VM on host {host_id}: it is offline", host_id)
        return host

    @staticmethod
    def _check_capacity(host: Host, vm: Vm) -> None:
        if (
            host.cpu_usage + vm.cpu_percent > host.max_cpu
            or host.mem_usage + vm.memory_mib * _KIB_PER_MIB > host.max_mem
        ):
            raise ActionError(f"Host {host.id} does not have enough capacity for VM {vm.id}.", host.id)

    @staticmethod
    def _system_datastore(tx: Transaction, host: Host, datastore_id: int) -> Datastore:
        if datastore_id >= 0:
            datastore = tx.datastores.get(datastore_id)
            if datastore.type is not DatastoreType.SYSTEM_DS:
                raise ActionError(
                    f"Trying to use an image datastore {datastore_id} as a system datastore", datastore_id
                )
            if host.cluster_id not in datastore.cluster_ids:
                raise ActionError(
                    f"Host {host.id} and system datastore {datastore_id} are not in the same cluster",
                    datastore_id,
                )
            return datastore
        for datastore in tx.datastores.where(
            "type = ? AND state = ? ORDER BY id", (DatastoreType.SYSTEM_DS, DatastoreState.READY)
        ):
            if host.cluster_id in datastore.cluster_ids:
                return datastore
        raise ActionError(
            f"No suitable system datastore found for cluster {host.cluster_id}; add one", host.id
        )

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
        states = () if live else (VmState.POWEROFF, VmState.SUSPENDED)
        lcm = (LcmState.RUNNING,) if live else _UNDEPLOYABLE
        self._allow_migration(vm, states, lcm)
        here = vm.history[-1]
        if here.host_id == placement.host_id:
            raise ActionError(f"VM {vm_id} is already running on host {here.hostname!r}", vm_id)
        host = self._usable_host(tx, placement.host_id)
        self._check_migration(tx, vm, host, live=live, kind=kind)
        if placement.enforce:
            self._check_capacity(host, vm)
        datastore = self._system_datastore(
            tx, host, placement.datastore_id if placement.datastore_id >= 0 else here.datastore_id
        )
        plan = operations.migrate_live(vm) if live else operations.migrate(vm, kind)
        here.action = HistoryAction.LIVE_MIGRATE if live else _MIGRATION_ACTIONS[kind]
        open_record(tx, vm, host, datastore, session.user_id, session.group_id)
        vm.resched = False
        self._begin(tx, vm, plan)
        return vm_id

    @staticmethod
    def _allow_migration(vm: Vm, states: tuple[VmState, ...], lcm: tuple[LcmState, ...]) -> None:
        if vm.state in states or (vm.state is VmState.ACTIVE and vm.lcm_state in lcm):
            return
        raise ActionError(
            f"Migrate action is not available for state {state_name(vm.state, vm.lcm_state)}", vm.id
        )

    def _check_migration(
        self, tx: Transaction, vm: Vm, host: Host, *, live: bool, kind: MigrationKind
    ) -> None:
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
        if live:
            self._need(vm, VmmAction.MIGRATE)
        elif vm.state is VmState.ACTIVE and kind is MigrationKind.SAVE and vm.lcm_state is LcmState.RUNNING:
            self._need(vm, VmmAction.SAVE)


_MIGRATION_ACTIONS = {
    MigrationKind.SAVE: HistoryAction.MIGRATE,
    MigrationKind.POWEROFF: HistoryAction.POWEROFF_MIGRATE,
    MigrationKind.POWEROFF_HARD: HistoryAction.POWEROFF_HARD_MIGRATE,
}


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
