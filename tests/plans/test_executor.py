from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from opennebula_core.db.store import Store
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import DriverError, DriverGoneError, DriverUnusableError, StateError, StoreError
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.plans import executor as executor_module
from opennebula_core.plans import table
from opennebula_core.plans.executor import Executor, Outcome
from opennebula_core.plans.plan import Plan, PlanStatus, Step

RUNNING = (VmState.ACTIVE, LcmState.RUNNING)
PROLOG = Step("tm", "prolog", LcmState.PROLOG)
BOOT = Step("vmm", "DEPLOY", LcmState.BOOT)
REBOOT = Step("vmm", "REBOOT", LcmState.RUNNING, at_most_once=True)
Answer = Outcome | Exception


@dataclass
class Drivers:
    """Answers steps as the test says; records what was sent."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    sent: list[tuple[str, int]] = field(default_factory=list)
    taken_back: list[str] = field(default_factory=list)
    resendable: bool = True
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def run(self, plan: Plan) -> Outcome:
        self.sent.append((plan.current.action, plan.attempt))
        await self.gate.wait()
        answers = self.answers.get(plan.current.action)
        answer = answers.pop(0) if answers else Outcome(True, "-")
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def may_resend(self, plan: Plan) -> bool:
        return self.resendable

    async def take_back(self, plan: Plan) -> str:
        self.taken_back.append(plan.current.action)
        return "taken back"


@dataclass
class Effects:
    """Records what the outcomes would have changed, in the same transaction."""

    events: list[tuple[str, str]] = field(default_factory=list)

    def step_started(self, tx: Transaction, plan: Plan) -> None:
        self.events.append(("started", plan.current.action))

    def step_succeeded(self, tx: Transaction, plan: Plan, info: str) -> None:
        self.events.append(("succeeded", plan.current.action))

    def plan_done(self, tx: Transaction, plan: Plan) -> None:
        self.events.append(("done", plan.operation))

    def plan_failed(self, tx: Transaction, plan: Plan, reason: str) -> None:
        self.events.append(("failed", reason))


@dataclass
class Bench:
    """An executor over a real store."""

    store: Store
    drivers: Drivers
    effects: Effects
    executor: Executor

    async def begin(self, *steps: Step, vm_id: int = 7) -> Plan:
        plan = Plan(vm_id, "deploy", steps, RUNNING)
        return await self.store.write(lambda tx: self.executor.begin(tx, plan))

    async def settle(self) -> None:
        async with asyncio.timeout(10):
            while self.executor.running:
                await asyncio.sleep(0.005)

    def plan(self, plan: Plan) -> Plan:
        found = self.store.read(lambda tx: table.find(tx, plan.id))
        assert found is not None
        return found


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(executor_module, "RESEND_PAUSE_S", 0.01)
    store = Store(tmp_path / "one.db", synchronous="OFF")
    drivers, effects = Drivers(), Effects()
    executor = Executor(store, drivers, effects)
    yield Bench(store, drivers, effects, executor)
    await executor.close()
    store.close()


async def test_the_steps_are_sent_one_after_the_other_and_the_plan_is_done(bench: Bench) -> None:
    plan = await bench.begin(PROLOG, BOOT)
    await bench.settle()
    assert bench.drivers.sent == [("prolog", 1), ("DEPLOY", 1)]
    assert bench.effects.events == [
        ("started", "prolog"),
        ("succeeded", "prolog"),
        ("started", "DEPLOY"),
        ("succeeded", "DEPLOY"),
        ("done", "deploy"),
    ]
    assert bench.plan(plan).status is PlanStatus.DONE


async def test_a_failure_ends_the_plan_with_the_drivers_reason(bench: Bench) -> None:
    bench.drivers.answers["prolog"] = [Outcome(False, "no space left")]
    plan = await bench.begin(PROLOG, BOOT)
    await bench.settle()
    assert bench.effects.events[-1] == ("failed", "no space left")
    assert bench.plan(plan).status is PlanStatus.FAILED
    assert bench.plan(plan).error == "no space left"


@pytest.mark.parametrize(
    "error", [DriverError("time is up"), RuntimeError("a bug of ours")], ids=["driver", "internal"]
)
async def test_an_exception_counts_as_a_failure(bench: Bench, error: Exception) -> None:
    bench.drivers.answers["prolog"] = [error]
    await bench.begin(PROLOG)
    await bench.settle()
    assert bench.effects.events[-1][0] == "failed"
    assert str(error) in bench.effects.events[-1][1]


async def test_a_failure_that_is_fine_lets_the_plan_go_on(bench: Bench) -> None:
    bench.drivers.answers["CLEANUP"] = [Outcome(False, "unreachable")]
    await bench.begin(Step("vmm", "CLEANUP", LcmState.CLEANUP_DELETE, failure_is_fine=True))
    await bench.settle()
    assert bench.effects.events[-1] == ("done", "deploy")


async def test_a_step_whose_driver_died_is_sent_again_with_the_next_attempt(bench: Bench) -> None:
    bench.drivers.answers["prolog"] = [DriverGoneError("it died"), DriverGoneError("it died")]
    await bench.begin(PROLOG)
    await bench.settle()
    assert bench.drivers.sent == [("prolog", 1), ("prolog", 2), ("prolog", 3)]
    assert bench.effects.events[-1] == ("done", "deploy")


async def test_a_driver_that_dies_each_time_fails_the_plan_in_the_end(bench: Bench) -> None:
    bench.drivers.answers["prolog"] = [DriverGoneError("it died")] * 20
    await bench.begin(PROLOG)
    await bench.settle()
    assert len(bench.drivers.sent) == executor_module.MAX_RESENDS + 1
    assert "unknown" in bench.effects.events[-1][1]


async def test_a_driver_that_cannot_be_used_is_not_asked_again(bench: Bench) -> None:
    bench.drivers.answers["prolog"] = [DriverUnusableError("no driver 'ssh'; install the package")] * 2
    await bench.begin(PROLOG)
    await bench.settle()
    assert bench.drivers.sent == [("prolog", 1)]
    assert bench.effects.events[-1] == ("failed", "no driver 'ssh'; install the package")


@pytest.mark.parametrize("once", [True, False], ids=["at-most-once", "not-resendable"])
async def test_what_may_not_be_sent_twice_is_not(bench: Bench, once: bool) -> None:
    bench.drivers.resendable = once
    bench.drivers.answers["REBOOT"] = [DriverGoneError("it died")]
    await bench.begin(replace(REBOOT, at_most_once=once))
    await bench.settle()
    assert bench.drivers.sent == [("REBOOT", 1)]
    assert bench.effects.events[-1][1].endswith("its outcome is unknown; taken back")
    assert bench.drivers.taken_back == ["REBOOT"]


async def test_a_vm_has_one_plan_at_a_time(bench: Bench) -> None:
    bench.drivers.gate.clear()
    await bench.begin(PROLOG)
    with pytest.raises(StateError, match="under way"):
        await bench.begin(BOOT)
    bench.drivers.gate.set()
    await bench.settle()
    await bench.begin(BOOT)
    await bench.settle()
    assert bench.drivers.sent == [("prolog", 1), ("DEPLOY", 1)]


async def test_a_late_answer_for_an_abandoned_plan_changes_nothing(bench: Bench) -> None:
    bench.drivers.gate.clear()
    plan = await bench.begin(PROLOG)
    await _until(lambda: bool(bench.drivers.sent))
    await bench.store.write(lambda tx: table.abandon(tx, plan.vm_id))
    bench.drivers.gate.set()
    await bench.settle()
    assert bench.effects.events == [("started", "prolog")]
    assert bench.plan(plan).status is PlanStatus.ABANDONED


async def test_after_a_crash_every_plan_goes_on_at_its_step_with_the_next_attempt(bench: Bench) -> None:
    bench.drivers.gate.clear()
    plan = await bench.begin(PROLOG, BOOT)
    await bench.begin(BOOT, vm_id=8)
    await _until(lambda: len(bench.drivers.sent) == 2)
    await bench.executor.close()

    drivers = Drivers()
    restarted = Executor(bench.store, drivers, bench.effects)
    assert await restarted.resume_all() == 2
    async with asyncio.timeout(10):
        while restarted.running:
            await asyncio.sleep(0.005)
    assert sorted(drivers.sent) == [("DEPLOY", 1), ("DEPLOY", 2), ("prolog", 2)]
    assert bench.plan(plan).status is PlanStatus.DONE


async def test_after_a_crash_a_reboot_is_not_sent_again(bench: Bench) -> None:
    bench.drivers.gate.clear()
    await bench.begin(REBOOT)
    await _until(lambda: bool(bench.drivers.sent))
    await bench.executor.close()
    drivers = Drivers()
    restarted = Executor(bench.store, drivers, bench.effects)
    await restarted.resume_all()
    async with asyncio.timeout(10):
        while restarted.running:
            await asyncio.sleep(0.005)
    assert drivers.sent == []
    assert "unknown" in bench.effects.events[-1][1]


async def test_a_plan_of_another_release_is_not_run(bench: Bench) -> None:
    plan = replace(Plan(7, "deploy", (PROLOG,), RUNNING), version=99)
    await bench.store.write(lambda tx: bench.executor.begin(tx, plan))
    await bench.settle()
    assert bench.drivers.sent == []
    assert "version 99" in bench.effects.events[-1][1]


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def test_old_plans_go_but_for_what_recover_needs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await bench.begin(PROLOG)
    await bench.settle()
    newest = await bench.begin(PROLOG)
    await bench.settle()
    monkeypatch.setattr(executor_module, "KEPT_S", -1)
    clearing = asyncio.create_task(bench.executor.clear_table())
    async with asyncio.timeout(10):
        while bench.store.read(lambda tx: table.find(tx, first.id)) is not None:
            await asyncio.sleep(0.005)
    clearing.cancel()
    assert bench.plan(newest).status is PlanStatus.DONE


@pytest.mark.parametrize("step", [0, 3])
async def test_a_plan_of_another_version_fails_and_the_others_go_on(bench: Bench, step: int) -> None:
    bench.drivers.gate.clear()
    strange, known = await bench.begin(PROLOG, vm_id=1), await bench.begin(BOOT, vm_id=2)
    await bench.executor.close()

    def from_the_future(tx: Transaction) -> None:
        tx.execute("UPDATE plan SET version = 99, step = ?, body = '[]' WHERE id = ?", (step, strange.id))

    await bench.store.write(from_the_future)
    bench.drivers.gate.set()
    await bench.executor.resume_all()
    await bench.settle()
    assert bench.plan(strange).status is PlanStatus.FAILED
    assert "has version 99" in bench.plan(strange).error
    assert bench.plan(known).status is PlanStatus.DONE


async def test_an_outcome_that_the_database_does_not_take_is_written_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor_module, "REWRITE_PAUSE_S", 0.01)
    bench.drivers.gate.clear()
    plan = await bench.begin(PROLOG)
    write, refusals = bench.store.write, [StoreError("database is locked"), StoreError("disk is full")]

    async def refusing(change: Callable[[Transaction], object]) -> object:
        if refusals:
            raise refusals.pop()
        return await write(change)

    monkeypatch.setattr(bench.store, "write", refusing)
    bench.drivers.gate.set()
    await bench.settle()
    assert not refusals
    assert bench.plan(plan).status is PlanStatus.DONE
    assert len(bench.drivers.sent) == 1
