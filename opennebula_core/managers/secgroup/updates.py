"""Brings changed rules of security groups to the VMs that have them.

What is to be done stands in the groups' lists: a VM that is OUTDATED is due. Its template gets the rules; a
guest that is on a host gets them by UPDATESG, and is UPDATING meanwhile. What was under way when the process
ended is begun again: a driver may be told the same rules twice. A VM whose driver has failed is in ERROR
until its group is committed or updated again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeVar

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import OpenNebulaError, StoreError
from opennebula_core.managers.core import Core
from opennebula_core.managers.secgroup.membership import add_rules, remove_rules
from opennebula_core.managers.vm.effects import VmEffects
from opennebula_core.model.objects import HistoryRecord, Vm
from opennebula_core.model.states import GroupStanding, LcmState, VmState
from opennebula_core.wire.requests import VmmRequest

LOG = logging.getLogger(__name__)
T = TypeVar("T")
AT_ONCE: Final = 32
"""VMs that are brought up to date at the same time."""
AT_ONCE_ON_HOST: Final = 4
"""Of these on one host: one that hangs must not hold up the others."""
RETRY_S: Final = 1.0
"""A VM that cannot be told now, as it is starting or moving, is looked at again after this time."""
GATHER_S: Final = 0.05
"""What is told within this time is looked at once: each look is one at all that is due."""
_BATCH: Final = 256

_ON_HOST: Final = frozenset(
    {
        LcmState.RUNNING, LcmState.UNKNOWN, LcmState.HOTPLUG, LcmState.HOTPLUG_SNAPSHOT,
        LcmState.HOTPLUG_SAVEAS, LcmState.HOTPLUG_RESIZE, LcmState.DISK_SNAPSHOT,
        LcmState.DISK_SNAPSHOT_DELETE, LcmState.DISK_RESIZE, LcmState.BACKUP,
    }
)  # fmt: skip
"""A guest is there, and no step under way sets its network up. Source: OpenNebula 6.10, trigger_updatesg."""


class _Way(Enum):
    """How a VM gets new rules."""

    BY_HOST = auto()
    BY_TEMPLATE = auto()
    LATER = auto()


def _way(vm: Vm) -> _Way:
    """Say how a VM gets new rules as it is now.

    OpenNebula gives up on VMs that are starting or moving; they are but a moment away from being told.
    """
    if vm.state is not VmState.ACTIVE:
        return _Way.BY_TEMPLATE
    if vm.lcm_state in _ON_HOST:
        return _Way.BY_HOST
    name = vm.lcm_state.name
    is_setting_up = name.startswith("BOOT") or name in ("MIGRATE", "HOTPLUG_NIC")
    return _Way.LATER if is_setting_up and not vm.lcm_state.is_failure else _Way.BY_TEMPLATE


@dataclass(frozen=True, slots=True)
class _Telling:
    """A guest that is to be told: the request, and the VM's stay on its host."""

    request: VmmRequest
    record: HistoryRecord


class GroupUpdates:
    """The background task."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._effects = VmEffects(core.vm_log, core.monitoring)
        self._due = asyncio.Event()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._busy: dict[int, int] = {}
        self._later: set[int] = set()
        self._was_full = False

    def outdate(self, tx: Transaction, group_id: int, *, only_failed: bool = False) -> None:
        """Have the rules of a group brought to its VMs once this is committed.

        :param only_failed: only to those that do not have them
        """
        tx.security_groups.outdate(group_id, only_failed=only_failed)
        tx.after_commit(self._due.set)

    async def run(self) -> None:
        """Run for ever."""
        await self._core.store.write(lambda tx: tx.security_groups.begin_again())
        while True:
            self._due.clear()
            await self._sweep()
            await self._due.wait()
            await asyncio.sleep(GATHER_S)

    async def _sweep(self) -> None:
        """Begin with every VM that is due and that may be told now."""
        self._was_full = False
        last = -1
        while found := self._due_after(last):
            for vm_id, host_id in found:
                if self._may_begin(vm_id, host_id):
                    await self._slots.acquire()
                    self._busy[vm_id] = host_id
                    self._core.spawn(self._bring(vm_id), f"security groups of VM {vm_id}")
            last = found[-1][0]

    def _due_after(self, vm_id: int) -> list[tuple[int, int]]:
        return self._core.store.read(lambda tx: tx.security_groups.due_vms(vm_id, _BATCH))

    def _may_begin(self, vm_id: int, host_id: int) -> bool:
        if vm_id in self._busy or vm_id in self._later:
            return False
        is_full = host_id >= 0 and Counter(self._busy.values())[host_id] >= AT_ONCE_ON_HOST
        self._was_full = self._was_full or is_full
        return not is_full

    async def _bring(self, vm_id: int) -> None:
        """Bring one VM up to date, with one of its groups after the other."""
        try:
            while due := self._core.store.read(lambda tx: tx.security_groups.due_groups(vm_id)):
                for group_id in due:
                    if not await self._bring_group(vm_id, group_id):
                        self._look_again(vm_id)
                        return
        finally:
            del self._busy[vm_id]
            self._slots.release()
            if self._was_full:
                self._due.set()

    def _look_again(self, vm_id: int) -> None:
        def is_due() -> None:
            self._later.discard(vm_id)
            self._due.set()

        self._later.add(vm_id)
        asyncio.get_running_loop().call_later(RETRY_S, is_due)

    async def _bring_group(self, vm_id: int, group_id: int) -> bool:
        """Bring the rules of a group to a VM; return False where the VM has to be waited for."""
        begun = await self._written(lambda tx: self._begin(tx, vm_id, group_id))
        if isinstance(begun, _Telling):
            reason = await self._tell(begun)
            await self._written(lambda tx: self._end(tx, vm_id, group_id, reason))
        return begun is not False

    async def _written(self, write: Callable[[Transaction], T]) -> T:
        """Write until the database takes it: an outcome that is known must not get lost."""
        while True:
            try:
                return await self._core.store.write(write)
            except StoreError as error:
                LOG.error("how far VMs are with security groups cannot be written: %s; trying again", error)
                await asyncio.sleep(RETRY_S)

    def _begin(self, tx: Transaction, vm_id: int, group_id: int) -> _Telling | bool:
        """Put the rules into the VM's template; return what its guest is to be told, if it is on a host."""
        vm, group = tx.vms.find(vm_id), tx.security_groups.find(group_id)
        if vm is None or vm.state is VmState.DONE or group is None:
            tx.security_groups.drop_vm(vm_id, group_id)
            return True
        way = _way(vm)
        if way is _Way.LATER:
            return False
        after = GroupStanding.UPDATING if way is _Way.BY_HOST else GroupStanding.UPDATED
        if not tx.security_groups.set_standing(group_id, vm_id, GroupStanding.OUTDATED, after):
            return True
        remove_rules(vm.template, group_id)
        add_rules(tx, vm.template, group)
        tx.vms.save(vm)
        return self._telling(tx, vm, group_id) if way is _Way.BY_HOST else True

    @staticmethod
    def _telling(tx: Transaction, vm: Vm, group_id: int) -> _Telling:
        record = vm.history[-1]
        request = VmmRequest(
            action=VmmAction.UPDATESG.value,
            vm_id=vm.id,
            host=record.hostname,
            vm_xml=tx.vms.document(vm.id),
            datastore_xml=tx.datastores.document(record.datastore_id),
            deploy_id=vm.deploy_id,
            security_group_id=group_id,
        )
        return _Telling(request, record)

    async def _tell(self, telling: _Telling) -> str:
        """Have a guest's driver put the rules in force; return why not, empty when they are."""
        driver, action = telling.record.vm_mad, VmmAction.UPDATESG.value
        if not self._core.drivers.can("vmm", driver, action):
            return f"driver {driver!r} of host {telling.record.hostname!r} does not support {action}"
        try:
            reply = await self._core.drivers.request("vmm", driver, telling.request)
        except (OpenNebulaError, OSError) as error:
            return str(error)
        except Exception as error:  # the border of a background task: one VM must not stop the others
            LOG.exception("VM %d: internal error in UPDATESG", telling.request.vm_id)
            return f"internal error: {error}"
        if reply.success:
            return ""
        said = reply.info.removeprefix(f"{telling.request.security_group_id} ")
        return said or "the driver does not say why"

    def _end(self, tx: Transaction, vm_id: int, group_id: int, reason: str) -> None:
        """Write the outcome down; a group that has been changed meanwhile has the VM due once more."""
        after = GroupStanding.ERROR if reason else GroupStanding.UPDATED
        is_current = tx.security_groups.set_standing(group_id, vm_id, GroupStanding.UPDATING, after)
        vm = tx.vms.find(vm_id)
        if not is_current or vm is None:
            return
        tx.emit(ObjectKind.SECGROUP, group_id, "update")
        if reason:
            self._effects.set_error(tx, vm, f"security group {group_id} could not be updated: {reason}")
            tx.vms.save(vm)
        else:
            text = f"Rules of security group {group_id} are in force"
            tx.after_commit(lambda: self._core.vm_log.write(vm_id, "I", text))
