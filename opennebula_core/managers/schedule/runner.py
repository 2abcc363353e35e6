"""Carries out scheduled actions when they are due, whatever schedules VMs.

Once a second the table is asked what is due, by the clock of the store: nothing is lost by a restart or a
clock that jumps, and what was missed is carried out once. Each action is one transaction with the note that
it was done. One that is refused leaves its reason as MESSAGE and is tried again, as OpenNebula does.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Final

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.contracts.method import Method, Mode, Session
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.errors import ActionError, AuthorizationError, OpenNebulaError, StoreError
from opennebula_core.managers.core import Core
from opennebula_core.managers.schedule.actions import find_action, mark_done
from opennebula_core.managers.schedule.authorisation import authorise_call
from opennebula_core.managers.schedule.calls import Call, call_of
from opennebula_core.model.objects import Vm
from opennebula_core.model.states import VmState

LOG = logging.getLogger(__name__)
PERIOD_S: Final = 1.0
RETRY_S: Final = 60
"""An action that was refused is tried again after this time."""
AT_ONCE: Final = 64
"""Actions carried out together; more that are due wait for these."""
_DUE: Final = "SELECT id, vm_id FROM sched_action WHERE due <= ? ORDER BY due, id LIMIT ?"
_FOUND: Final = 4096


class ScheduledActions:
    """The background task of scheduled actions.

    :param registry: its methods are what actions call
    """

    def __init__(self, core: Core, registry: ManagerRegistry) -> None:
        self._core = core
        self._registry = registry
        self._methods: Mapping[str, Method] = {}

    async def run(self) -> None:
        """Run for ever."""
        while True:
            await self.run_due()
            await asyncio.sleep(PERIOD_S)

    async def run_due(self) -> None:
        """Carry out what is due; of each VM one action at a time, the oldest first."""
        self._methods = self._methods or self._registry.methods
        due = self._core.store.read(self._due)
        for start in range(0, len(due), AT_ONCE):
            await asyncio.gather(*(self._carry_out(*row) for row in due[start : start + AT_ONCE]))

    def _due(self, tx: Snapshot) -> list[tuple[int, int]]:
        first: dict[int, int] = {}
        for action_id, vm_id in tx.query(_DUE, (self._core.store.now(), _FOUND)):
            first.setdefault(vm_id, action_id)
        return [(action_id, vm_id) for vm_id, action_id in first.items()]

    async def _carry_out(self, action_id: int, vm_id: int) -> None:
        store = self._core.store
        try:
            store.read(lambda tx: self._ask_plugins(tx, action_id, vm_id))
            await store.write(lambda tx: self._perform(tx, action_id, vm_id))
            return
        except StoreError:
            raise
        except OpenNebulaError as error:
            reason = str(error)
        except Exception:  # the border of a background task: one action must not stop the others
            LOG.exception("VM %d: scheduled action %d failed on an internal error", vm_id, action_id)
            reason = "internal error"
        await store.write(lambda tx: self._note_failure(tx, action_id, vm_id, reason))

    def _ask_plugins(self, tx: Snapshot, action_id: int, vm_id: int) -> None:
        """Let plugins refuse the call, as those that come from outside; their hook is for outside of jobs."""
        vm = tx.vms.find(vm_id)
        if vm is not None and vm.state is not VmState.DONE:
            action = find_action(vm, action_id)
            call = call_of(vm_id, action["ACTION"], action.get("ARGS", ""))
            self._core.hooks.before_request(self._owner(tx, vm), call.method, call.parameters)

    def _perform(self, tx: Transaction, action_id: int, vm_id: int) -> None:
        vm = _due_vm(tx, action_id, vm_id)
        if vm is None:
            return
        action = find_action(vm, action_id)
        name = action["ACTION"]
        call = call_of(vm_id, name, action.get("ARGS", ""))
        mark_done(tx, vm, action)
        tx.vms.save(vm)
        self._call(tx, self._owner(tx, vm), call)
        tx.after_commit(lambda: self._tell(vm_id, action_id, name))

    def _tell(self, vm_id: int, action_id: int, name: str) -> None:
        self._core.vm_log.write(vm_id, "I", f"Scheduled action {action_id}: {name}")
        LOG.info("VM %d: scheduled action %d: %s", vm_id, action_id, name)

    def _owner(self, tx: Snapshot, vm: Vm) -> Session:
        """Return the session of the VM's owner, with his rights as they are now."""
        user = tx.users.find(vm.uid)
        if user is None or not user.enabled:
            raise AuthorizationError(f"User [{vm.uid}] : the owner of VM {vm.id} is disabled or gone.", vm.id)
        group_ids = frozenset((user.gid, *user.group_ids))
        return Session(
            user.id, user.name, user.gid, user.gname, group_ids, int(self._core.config.users.umask, 8)
        )

    def _call(self, tx: Transaction, session: Session, call: Call) -> None:
        method = self._methods.get(call.method)
        if method is None or method.mode is not Mode.WRITE or method.before is not None:
            raise ActionError(f"This release does not have {call.method}; install a manager that adds it")
        authorise_call(tx, session, method, call.parameters)
        tx.enforces_quotas = True  # as for the same call from outside
        given = call.parameters if method.prepare is None else method.prepare(*call.parameters)
        method.handler(tx, session, *given)

    def _note_failure(self, tx: Transaction, action_id: int, vm_id: int, reason: str) -> None:
        vm = _due_vm(tx, action_id, vm_id)
        if vm is None:
            return
        tx.execute("UPDATE sched_action SET due = ? WHERE id = ?", (tx.now + RETRY_S, action_id))
        action = find_action(vm, action_id)
        if action.get("MESSAGE", "").endswith(f" : {reason}"):
            return  # it was tried before, with the same end
        action["MESSAGE"] = f"{time.ctime(tx.now)} : {reason}"
        tx.vms.save(vm)
        text = f"Scheduled action {action_id}: {action['ACTION']}: {reason}"
        tx.after_commit(lambda: self._core.vm_log.write(vm_id, "E", text))


def _due_vm(tx: Transaction, action_id: int, vm_id: int) -> Vm | None:
    """Return the VM of an action that is still due; one whose VM has ended is forgotten."""
    known = "SELECT 1 FROM sched_action WHERE id = ? AND vm_id = ? AND due <= ?"
    if tx.one(known, (action_id, vm_id, tx.now)) is None:
        return None
    vm = tx.vms.find(vm_id)
    if vm is None or vm.state is VmState.DONE:
        tx.execute("DELETE FROM sched_action WHERE vm_id = ?", (vm_id,))
        return None
    return vm
