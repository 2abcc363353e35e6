"""Carries plans out: begins moves as their order and the pace allow, and notes how each one ends.

A move begins in one transaction with the note that it did, and its end is read off the VM: whenever the core
dies, it goes on where it was. Once a move has failed no other begins; those under way are waited for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.contracts.method import Method, ObjectKind, Session
from opennebula_core.db.connection import Change
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.errors import OpenNebulaError, StoreError
from opennebula_core.managers.core import Core
from opennebula_core.managers.rebalancing import table
from opennebula_core.managers.rebalancing.table import StoredMove, StoredPlan
from opennebula_core.model.objects import Vm
from opennebula_core.model.rebalancing import PlanState, startable
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.model.transitions import state_name
from opennebula_core.plans import table as vm_plans

LOG = logging.getLogger(__name__)

PERIOD_S: Final = 1.0
"""How often is looked at what nobody announces: moves that take too long."""
MIGRATE: Final = "one.vm.migrate"
SAVE: Final = 0
"""The way of cold migrations. Source: OpenNebula 6.10 one.vm.migrate."""


class Execution:
    """The background task that carries plans out.

    :param registry: its method is what moves a VM
    """

    def __init__(self, core: Core, registry: ManagerRegistry) -> None:
        self._core = core
        self._registry = registry
        self._wake = asyncio.Event()
        self._is_applying = True

    def wake(self) -> None:
        """Look at the plans; called on the event loop."""
        self._is_applying = True
        self._wake.set()

    def committed(self, changes: list[Change]) -> None:
        """Look at the plans when VMs have changed while one is carried out."""
        if self._is_applying and any(change.kind is ObjectKind.VM for change in changes):
            self._wake.set()

    async def run(self) -> None:
        """Run for ever."""
        while True:
            self._wake.clear()
            applying = self._core.store.read(table.plans_at_work)
            self._is_applying = bool(applying)
            for plan in applying:
                await self._look_at(plan)
            try:
                async with asyncio.timeout(PERIOD_S if applying else None):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _look_at(self, plan: StoredPlan) -> None:
        cluster_id = plan.cluster_id
        if not await self._core.store.read_in_thread(lambda tx: _has_work(tx, plan)):
            return
        begun = await self._core.store.write(lambda tx: _advance(tx, cluster_id))
        for move in begun:
            await self._begin(plan, move)
        if begun:
            self._wake.set()  # a move that was refused ends the plan

    async def _begin(self, plan: StoredPlan, move: StoredMove) -> None:
        """Begin a move; one that is refused is noted as failed."""
        store, number = self._core.store, move.move.number
        parameters = (
            move.move.vm_id,
            move.move.target_id,
            plan.live,
            True,
            move.datastore_id,
            SAVE,
        )
        method: Method = self._registry.methods[MIGRATE]
        try:
            session = store.read(lambda tx: _session(tx, plan.user_id))
            self._core.hooks.before_request(session, MIGRATE, parameters)
            await store.write(lambda tx: _migrate(tx, plan, move, method, session, parameters))
            return
        except StoreError:
            raise
        except OpenNebulaError as error:
            reason = str(error)
        except Exception:  # the border of a background task: one move must not stop the others
            LOG.exception("VM %d: move failed on an internal error", move.move.vm_id)
            reason = "internal error"
        LOG.warning("cluster %d: VM %d not moved: %s", plan.cluster_id, move.move.vm_id, reason)
        await store.write(lambda tx: table.set_move(tx, plan.cluster_id, number, PlanState.ERROR, reason))


def _has_work(tx: Snapshot, plan: StoredPlan) -> bool:
    """Whether anything may begin, has ended or takes too long: asked of a snapshot, for it is asked often."""
    moves = table.moves_of(tx, plan.cluster_id)
    if any(_outcome(tx, plan, move)[0] is not PlanState.APPLYING for move in _running(moves)):
        return True
    states = {move.move.state for move in moves}
    if plan.state is not PlanState.APPLYING:
        return False
    if PlanState.APPLYING not in states:
        return True
    return not _has_failed(moves) and bool(startable([move.move for move in moves], plan.pace))


def _advance(tx: Transaction, cluster_id: int) -> list[StoredMove]:
    """Note which moves have ended, end the plan if nothing is left, and return the moves to begin now."""
    plan = table.find_plan(tx, cluster_id)
    if plan is None:
        return []
    for move in _running(table.moves_of(tx, cluster_id)):
        state, message = _outcome(tx, plan, move)
        if state is not PlanState.APPLYING:
            table.set_move(tx, cluster_id, move.move.number, state, message)
    moves = table.moves_of(tx, cluster_id)
    if plan.state is not PlanState.APPLYING:
        return []
    if _has_failed(moves):
        if not _running(moves):
            _end_failed(tx, plan, moves)
        return []
    if all(move.move.state is PlanState.DONE for move in moves):
        table.set_state(tx, cluster_id, PlanState.DONE)
        LOG.info("cluster %d: plan of %d moves carried out", cluster_id, len(moves))
        return []
    numbers = {move.number for move in startable([move.move for move in moves], plan.pace)}
    return [move for move in moves if move.move.number in numbers]


def _end_failed(tx: Transaction, plan: StoredPlan, moves: Sequence[StoredMove]) -> None:
    first = next(move for move in moves if move.move.state in (PlanState.ERROR, PlanState.TIMEOUT))
    done = sum(move.move.state is PlanState.DONE for move in moves)
    text = f"{done} of {len(moves)} moves done, then VM {first.move.vm_id}: {first.message}"
    table.set_state(tx, plan.cluster_id, first.move.state, text)
    LOG.warning("cluster %d: plan broken off: %s", plan.cluster_id, text)


def _running(moves: Sequence[StoredMove]) -> list[StoredMove]:
    return [move for move in moves if move.move.state is PlanState.APPLYING]


def _has_failed(moves: Sequence[StoredMove]) -> bool:
    return any(move.move.state in (PlanState.ERROR, PlanState.TIMEOUT) for move in moves)


def _outcome(tx: Snapshot, plan: StoredPlan, move: StoredMove) -> tuple[PlanState, str]:
    """Return how a move that has begun stands, and what there is to say of it."""
    vm = tx.vms.find(move.move.vm_id)
    if vm is None or vm.state is VmState.DONE:
        return PlanState.DONE, "the VM has ended"
    if vm_plans.active_of(tx, vm.id) is not None:
        if tx.now - move.since > plan.timeout_s:
            return PlanState.TIMEOUT, f"still under way after {plan.timeout_s} s"
        return PlanState.APPLYING, ""
    if not _is_running(vm):
        return PlanState.ERROR, f"it is in state {state_name(vm.state, vm.lcm_state)} now; see its log"
    if _is_there(vm, move):
        return PlanState.DONE, ""
    return PlanState.ERROR, f"it is on host {vm.history[-1].hostname!r} again; see its log"


def _is_running(vm: Vm) -> bool:
    return vm.state is VmState.ACTIVE and vm.lcm_state is LcmState.RUNNING


def _is_there(vm: Vm, move: StoredMove) -> bool:
    return _is_running(vm) and vm.history[-1].host_id == move.move.target_id


def _migrate(
    tx: Transaction,
    plan: StoredPlan,
    move: StoredMove,
    method: Method,
    session: Session,
    parameters: tuple[object, ...],
) -> None:
    """Begin the migration and note it; a VM that is there already, or gone, needs none."""
    present = table.find_plan(tx, plan.cluster_id)
    if present is None or present.state is not PlanState.APPLYING or present.request != plan.request:
        return
    vm = tx.vms.find(move.move.vm_id)
    state = PlanState.APPLYING
    if (
        vm is None
        or vm.state is VmState.DONE
        or (_is_running(vm) and vm.history[-1].host_id == move.move.target_id)
    ):
        state = PlanState.DONE
    else:
        _check_source(vm, move)
        method.handler(tx, session, *parameters)
    table.set_move(tx, plan.cluster_id, move.move.number, state)


def _check_source(vm: Vm, move: StoredMove) -> None:
    """Make sure that nobody has moved the VM since.

    :raises OpenNebulaError: somebody has
    """
    if not vm.history or vm.history[-1].host_id != move.move.source_id:
        raise OpenNebulaError(
            f"it is not on host {move.move.source_id} any more; ask for a new plan with 'onecluster optimize'"
        )


def _session(tx: Snapshot, user_id: int) -> Session:
    """Return a session that may move VMs: a plan is the core's doing, in the name of who began it."""
    user = tx.users.find(user_id)
    if user is None:
        return Session(0, "oneadmin", 0, "oneadmin", frozenset({0}))
    return Session(user.id, user.name, user.gid, user.gname, frozenset({0, user.gid}))
