"""Turns the steps of plans into requests to drivers: documents gathered, files written, answers read."""

from __future__ import annotations

import base64
import binascii
import logging
from dataclasses import dataclass
from datetime import timedelta

from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.db.transaction import Snapshot
from opennebula_core.errors import DriverError, OpenNebulaError
from opennebula_core.managers.core import Core
from opennebula_core.managers.transfer.lines import Stay
from opennebula_core.managers.transfer.paths import VmPaths
from opennebula_core.managers.transfer.phases import Phase
from opennebula_core.managers.transfer.scripts import (
    cleanup_lines,
    context_line,
    live_migration_line,
    write_script,
)
from opennebula_core.managers.vm.changes.requests import Parts, parts_of
from opennebula_core.managers.vm.context import CONTEXT_SCRIPT, context_files
from opennebula_core.managers.vm.files import VmFiles
from opennebula_core.model.objects import HistoryRecord, Vm
from opennebula_core.plans.executor import Outcome
from opennebula_core.plans.plan import Plan, Target
from opennebula_core.wire.requests import Reply, TransferRequest, VmmRequest

LOG = logging.getLogger(__name__)

DESCRIBE_TIMEOUT = timedelta(seconds=60)
_NEEDS_CONTEXT = frozenset({VmmAction.DEPLOY.value, VmmAction.RESTORE.value})
_BEFORE_BOOT = frozenset({Phase.PROLOG, Phase.RESUME})
_NEEDS_CHECKPOINT = frozenset({VmmAction.SAVE.value, VmmAction.RESTORE.value})


@dataclass(frozen=True, slots=True)
class _View:
    """What a step needs to know, read at one instant.

    :param document: the VM's document, for VMM drivers; likewise the others
    """

    vm: Vm
    document: str
    record: HistoryRecord
    datastore_document: str
    host_document: str
    previous: HistoryRecord | None


def _script_name(record: HistoryRecord, phase: str) -> str:
    return f"transfer.{record.seq}.{phase}"


def _view(tx: Snapshot, plan: Plan) -> _View:
    vm = tx.vms.get(plan.vm_id)
    if not vm.history:
        raise DriverError(f"VM {vm.id}: it has never been on a host")
    previous = vm.history[-2] if len(vm.history) > 1 else None
    record = previous if plan.current.target is Target.PREVIOUS and previous is not None else vm.history[-1]
    if plan.current.kind != "vmm":
        return _View(vm, "", record, "", "", previous)
    datastore, host = tx.datastores.document(record.datastore_id), tx.hosts.document(record.host_id)
    return _View(vm, tx.vms.document(vm.id), record, datastore, host, previous)


class DriverSteps:
    """Carries out the steps of the kinds ``vmm`` and ``tm``; other kinds belong to plugins."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._files = VmFiles(core.location)

    async def may_resend(self, plan: Plan) -> bool:
        """Return whether the current step's driver takes the same request twice."""
        step, drivers = plan.current, self._core.drivers
        if step.kind not in ("vmm", "tm"):
            return True
        record = self._core.store.read(lambda tx: _view(tx, plan).record)
        if step.kind == "vmm":
            return drivers.may_resend("vmm", record.vm_mad, step.action)
        script = self._files.path(plan.vm_id, _script_name(record, step.action))
        name = await drivers.transfer_driver(record.vm_mad) or record.tm_mad
        return drivers.may_resend("tm", name, TransferRequest(plan.vm_id, script))

    async def take_back(self, plan: Plan) -> str:
        """Plug out the disk of an ATTACHDISK whose outcome is lost, which other people's drivers cannot tell.

        A driver calls it a failure when the guest has no such disk, which is as good.
        """
        action = VmmAction.ATTACHDISK.value
        if plan.current.action != action:
            return ""
        disk = f"disk {plan.current.arguments['disk_id']}"
        try:
            view = self._core.store.read(lambda tx: _view(tx, plan))
            made = self._parts(plan, view, await self._stay(view), action)
            undoing = Parts(made.tm_rollback, disk_path=made.disk_path)  # nothing is written back to an image
            reply = await self._request(plan, view, VmmAction.DETACHDISK.value, undoing)
        except (OpenNebulaError, OSError) as error:
            reply = Reply(False, str(error))
        if reply.success:
            return f"{disk} was plugged out again"
        return f"{disk} could not be plugged out, see whether the guest has it: {reply.info}"

    async def run(self, plan: Plan) -> Outcome:
        """Carry out the plan's current step."""
        step = plan.current
        view = self._core.store.read(lambda tx: _view(tx, plan))
        try:
            if step.kind == "tm":
                reply = await self._transfer(plan, view)
            elif step.kind == "vmm":
                reply = await self._vmm(plan, view)
            else:
                reply = await self._plugin_step(plan)
        finally:
            self._core.progress.pop((step.kind, plan.vm_id), None)
        return Outcome(reply.success, reply.info)

    async def _plugin_step(self, plan: Plan) -> Reply:
        step = plan.current
        handler = self._core.step_kinds.get(step.kind)
        if handler is None:
            raise DriverError(
                f"no plugin carries out steps of kind {step.kind!r}; install it, then recover the VM"
            )
        info = await handler(plan.vm_id, step.action, step.arguments)
        return Reply(True, "" if info is None else str(info))

    # -- transfers -------------------------------------------------------------------------------

    async def _transfer(self, plan: Plan, view: _View) -> Reply:
        step = plan.current
        stay = await self._stay(view)
        text = write_script(step.action, view.vm, stay, plan.attempt)
        files = {}
        if step.action in _BEFORE_BOOT and not self._core.drivers.makes_context(view.record.vm_mad):
            text += self._context_line(view.vm, stay)
            files = context_files(view.vm)
        script = _script_name(view.record, step.action)
        await self._files.write(plan.vm_id, {**files, script: text})
        request = TransferRequest(plan.vm_id, self._files.path(plan.vm_id, script))
        return await self._core.drivers.request("tm", stay.forced_tm_mad or stay.tm_mad, request)

    async def _stay(self, view: _View) -> Stay:
        core, record = self._core, view.record
        forced = await core.drivers.transfer_driver(record.vm_mad)
        previous = view.previous
        return Stay(
            host=record.hostname,
            front_end=core.front_end,
            paths=self._paths(view.vm.id, record.datastore_id),
            tm_mad=record.tm_mad,
            forced_tm_mad=forced,
            previous_host=previous.hostname if previous is not None else "",
            previous_paths=self._paths(view.vm.id, previous.datastore_id) if previous is not None else None,
            previous_tm_mad=previous.tm_mad if previous is not None else "",
        )

    def _paths(self, vm_id: int, datastore_id: int) -> VmPaths:
        return VmPaths(vm_id, datastore_id, self._core.config.datastores.path, self._core.location.datastores)

    # -- guests ----------------------------------------------------------------------------------

    async def _vmm(self, plan: Plan, view: _View) -> Reply:
        action = plan.current.action
        return await self._request(
            plan, view, action, self._parts(plan, view, await self._stay(view), action)
        )

    def _parts(self, plan: Plan, view: _View, stay: Stay, action: str) -> Parts:
        parts = parts_of(action, view.vm, stay, lambda name: self._files.path(plan.vm_id, name))
        if parts is not None:
            return parts
        files = context_files(view.vm) if action in _NEEDS_CONTEXT else {}
        return Parts(self._tm_command(plan, view, stay), files=files)

    async def _request(self, plan: Plan, view: _View, action: str, parts: Parts) -> Reply:
        record = view.record
        paths = self._paths(plan.vm_id, record.datastore_id)
        files, deployment = dict(parts.files), ""
        if action == VmmAction.DEPLOY.value:
            name = f"deployment.{record.seq}"
            files[name] = await self._description(plan, view)
            deployment = self._files.path(plan.vm_id, name)
        await self._files.write(plan.vm_id, files)
        request = VmmRequest(
            action=action,
            vm_id=plan.vm_id,
            host=record.hostname,
            vm_xml=view.document,
            datastore_xml=view.datastore_document,
            migr_host=self._other_host(plan, view),
            deploy_id="" if action == VmmAction.DEPLOY.value else view.vm.deploy_id,
            local_deployment_file=deployment,
            remote_deployment_file=f"{paths.on_host}/deployment.{record.seq}" if deployment else "",
            checkpoint_file=paths.checkpoint if action in _NEEDS_CHECKPOINT else "",
            tm_command=parts.tm_command,
            tm_command_rollback=parts.tm_rollback,
            disk_target_path=parts.disk_path,
            attempt=plan.attempt,
        )
        return await self._core.drivers.request("vmm", record.vm_mad, request)

    @staticmethod
    def _other_host(plan: Plan, view: _View) -> str:
        if plan.current.action == VmmAction.MIGRATE.value:
            return view.vm.history[-1].hostname
        other: str = plan.current.arguments.get("other_host", "")
        return other

    def _tm_command(self, plan: Plan, view: _View, stay: Stay) -> str:
        action, vm = plan.current.action, view.vm
        if action in _NEEDS_CONTEXT:
            return self._context_line(vm, stay)
        if action == VmmAction.MIGRATE.value:
            destination = vm.history[-1]
            there = Stay(
                host=destination.hostname,
                front_end=stay.front_end,
                paths=self._paths(vm.id, destination.datastore_id),
                tm_mad=destination.tm_mad,
                forced_tm_mad=stay.forced_tm_mad,
                previous_host=view.record.hostname,
            )
            return live_migration_line(vm, there)
        if action == VmmAction.CLEANUP.value:
            return "\n".join((*cleanup_lines(vm, stay, plan.current.arguments.get("other_host", "")), ""))
        return ""

    def _context_line(self, vm: Vm, stay: Stay) -> str:
        return context_line(vm, stay, self._files.path(vm.id, CONTEXT_SCRIPT))

    async def _description(self, plan: Plan, view: _View) -> str:
        """Have the VMM plugin write the deployment description, and let hooks change it."""
        record = view.record
        writer = self._core.drivers.description_writer(record.vm_mad)
        request = VmmRequest(
            action=VmmAction.DESCRIBE.value,
            vm_id=plan.vm_id,
            host=record.hostname,
            vm_xml=view.document,
            datastore_xml=view.datastore_document,
            host_xml=view.host_document,
            attempt=plan.attempt,
        )
        reply = await self._core.drivers.request("vmm", writer, request, timeout=DESCRIBE_TIMEOUT)
        if not reply.success:
            raise DriverError(f"deployment description of VM {plan.vm_id}: {reply.info}")
        try:
            text = base64.b64decode(reply.info, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise DriverError(
                f"deployment description of VM {plan.vm_id}: driver vmm/{writer} answered rubbish"
            ) from None
        return self._core.hooks.change_deployment(plan.vm_id, record.vm_mad, text)
