"""The executor: sends each step, writes each outcome with the change it causes, goes on after a crash.

Delivery is at least once. A step without an outcome (the process ended, the driver died) is sent again with
the next attempt number, unless it may be sent at most once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import (
    DriverError,
    DriverGoneError,
    DriverUnusableError,
    OpenNebulaError,
    StoreError,
)
from opennebula_core.plans import table
from opennebula_core.plans.plan import PLAN_VERSION, Plan, PlanStatus

LOG = logging.getLogger(__name__)
MAX_RESENDS = 5
"""How often in a row a step is sent again because its driver died; then it counts as failed."""
RESEND_PAUSE_S = 1.0
REWRITE_PAUSE_S = 1.0
KEPT_S = 86400
"""How long a plan is kept after its end."""
CLEARING_PERIOD_S = 3600.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a driver made of a step."""

    success: bool
    info: str


class StepRunner(Protocol):
    """Turns a step into requests to drivers."""

    async def run(self, plan: Plan) -> Outcome:
        """Carry out the plan's current step and return what came of it.

        :raises DriverGoneError: the driver died; the outcome is unknown
        :raises OpenNebulaError: anything else that counts as a failure
        """

    async def may_resend(self, plan: Plan) -> bool:
        """Return whether the plan's current step may be sent again without harm."""

    async def take_back(self, plan: Plan) -> str:
        """Undo what the plan's current step may have done, its outcome being unknown and lost for good.

        :returns: what has become of it, for the VM's error; empty when there is nothing to take back
        """


class Effects(Protocol):
    """What the outcomes of steps change in the store; called inside the outcome's transaction."""

    def step_started(self, tx: Transaction, plan: Plan) -> None:
        """Show that the plan's current step is under way."""

    def step_succeeded(self, tx: Transaction, plan: Plan, info: str) -> None:
        """Note what the current step's success means; step_started or plan_done follows, and saves."""

    def plan_done(self, tx: Transaction, plan: Plan) -> None:
        """Put the VM where the plan ends."""

    def plan_failed(self, tx: Transaction, plan: Plan, reason: str) -> None:
        """Put the VM where the failure of the current step leaves it."""


class Executor:
    """Runs the plans of all VMs, one coroutine each."""

    def __init__(self, store: Store, runner: StepRunner, effects: Effects) -> None:
        self._store = store
        self._runner = runner
        self._effects = effects
        self._tasks: dict[int, asyncio.Task[None]] = {}

    # -- starting and ending ---------------------------------------------------------------------

    def begin(self, tx: Transaction, plan: Plan) -> Plan:
        """Write a plan down and start it once that is committed.

        :raises StateError: the VM has a plan under way
        """
        created = table.create(tx, plan)
        self._effects.step_started(tx, created)
        tx.after_commit(lambda: self.start(created))
        return created

    def start(self, plan: Plan) -> None:
        """Drive a plan that is on disk."""
        task = asyncio.get_running_loop().create_task(
            self._drive(plan), name=f"plan {plan.id} of VM {plan.vm_id}"
        )
        self._tasks[plan.id] = task
        task.add_done_callback(lambda ended: self._forget(plan, ended))

    def stop(self, plan_id: int) -> None:
        """Stop driving a plan that was abandoned; what a driver has begun goes on by itself."""
        task = self._tasks.pop(plan_id, None)
        if task is not None:
            task.cancel()

    async def resume_all(self) -> int:
        """Go on with every plan that the last process left; return how many."""

        def next_attempts(tx: Transaction) -> list[Plan]:
            known = table.all_active(tx)
            plans = [replace(plan, attempt=plan.attempt + 1) for plan in known]
            for plan, again in zip(known, plans, strict=True):
                table.move(tx, plan, again)
            return plans

        plans = await self._store.write(next_attempts)
        for plan in plans:
            LOG.info(
                "VM %d: %s goes on at step %d of %d",
                plan.vm_id,
                plan.operation,
                plan.step + 1,
                len(plan.steps),
            )
            self.start(plan)
        return len(plans)

    async def clear_table(self) -> None:
        """Run for ever: remove the plans that ended long ago."""
        while True:
            await self._store.write(lambda tx: table.drop_old(tx, tx.now - KEPT_S))
            await asyncio.sleep(CLEARING_PERIOD_S)

    async def close(self) -> None:
        """Stop driving; plans under way go on at the next start."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def running(self) -> int:
        """How many plans are being driven."""
        return len(self._tasks)

    def _forget(self, plan: Plan, task: asyncio.Task[None]) -> None:
        if self._tasks.get(plan.id) is task:  # a revived plan has a new one
            del self._tasks[plan.id]
        if not task.cancelled() and task.exception() is not None:
            LOG.error("VM %d: its plan stopped on an internal error", plan.vm_id, exc_info=task.exception())

    # -- driving ---------------------------------------------------------------------------------

    async def _drive(self, plan: Plan) -> None:
        following: Plan | None = plan
        resent = 0
        while following is not None:
            plan = following
            outcome = await self._outcome(plan, resent)
            if outcome is None:
                resent += 1
                await asyncio.sleep(RESEND_PAUSE_S)
                following = await self._written(self._next_attempt(plan))
            else:
                resent = 0
                following = await self._recorded(plan, outcome)

    async def _recorded(self, plan: Plan, outcome: Outcome) -> Plan | None:
        try:
            return await self._written(self._record(plan, outcome))
        except (
            Exception
        ) as error:  # what it means for the VM cannot be worked out; recover goes on from there
            LOG.exception("VM %d: internal error after step %s", plan.vm_id, plan.current.action)
            failure = Outcome(False, f"{plan.current.action}: internal error: {error}")
            return await self._written(self._record(plan, failure))

    async def _written(self, write: Callable[[Transaction], Plan | None]) -> Plan | None:
        """Write until the database takes it: an outcome that is known must not get lost."""
        while True:
            try:
                return await self._store.write(write)
            except StoreError as error:
                LOG.error("the outcome of a step cannot be written: %s; trying again", error)
                await asyncio.sleep(REWRITE_PAUSE_S)

    async def _outcome(self, plan: Plan, resent: int) -> Outcome | None:
        """Return what came of the current step, None when it shall be sent again."""
        try:
            refusal = await self._refusal(plan)
            if refusal:
                return await self._unknown(plan, refusal) if plan.is_known else Outcome(False, refusal)
            return await self._runner.run(plan)
        except DriverUnusableError as error:  # nothing was sent, and nothing would be
            return Outcome(False, str(error))
        except DriverGoneError as error:
            if resent >= MAX_RESENDS or not await self._may_resend(plan):
                return await self._unknown(plan, f"{error}; its outcome is unknown")
            LOG.warning("VM %d: %s; sending it again", plan.vm_id, error)
            return None
        except DriverError as error:
            return Outcome(False, str(error))
        except (OpenNebulaError, OSError) as error:
            return Outcome(False, f"{plan.current.action}: {error}")
        except Exception as error:
            LOG.exception("VM %d: internal error in step %s", plan.vm_id, plan.current.action)
            return Outcome(False, f"{plan.current.action}: internal error: {error}")

    async def _unknown(self, plan: Plan, reason: str) -> Outcome:
        taken_back = await self._runner.take_back(plan)
        return Outcome(False, f"{reason}; {taken_back}" if taken_back else reason)

    async def _may_resend(self, plan: Plan) -> bool:
        return not plan.current.at_most_once and await self._runner.may_resend(plan)

    async def _refusal(self, plan: Plan) -> str:
        step = plan.current
        if not plan.is_known:
            return f"plan {plan.id} has version {plan.version}, this release runs {PLAN_VERSION}; use recover"
        if plan.attempt > 1 and not await self._may_resend(plan):
            return f"{step.action} was interrupted and may not be sent twice; its outcome is unknown"
        return ""

    def _next_attempt(self, plan: Plan) -> Callable[[Transaction], Plan | None]:
        def write(tx: Transaction) -> Plan | None:
            again = replace(plan, attempt=plan.attempt + 1)
            return again if table.move(tx, plan, again) else None

        return write

    def _record(self, plan: Plan, outcome: Outcome) -> Callable[[Transaction], Plan | None]:
        return lambda tx: self.apply(tx, plan, outcome)

    def apply(self, tx: Transaction, plan: Plan, outcome: Outcome) -> Plan | None:
        """Write an outcome and what follows from it; return the plan at its next step, None at its end.

        A plan that was abandoned or moved meanwhile has no use for a late answer: nothing is written then.
        """
        if not outcome.success and not plan.current.failure_is_fine:
            if table.end(tx, plan, PlanStatus.FAILED, outcome.info):
                self._effects.plan_failed(tx, plan, outcome.info)
            return None
        following = None if plan.is_last_step else plan.next()
        if following is None:
            is_known = table.end(tx, plan, PlanStatus.DONE)
        else:
            is_known = table.move(tx, plan, following)
        if is_known:
            self._succeed(tx, plan, following, outcome)
        return following if is_known else None

    def _succeed(self, tx: Transaction, plan: Plan, following: Plan | None, outcome: Outcome) -> None:
        if not outcome.success:
            LOG.warning("VM %d: %s: %s; the plan goes on", plan.vm_id, plan.current.action, outcome.info)
        self._effects.step_succeeded(tx, plan, outcome.info if outcome.success else "")
        if following is None:
            self._effects.plan_done(tx, plan)
        else:
            self._effects.step_started(tx, following)
