from __future__ import annotations

from concurrent.futures import Future
from datetime import UTC, datetime, timedelta

import pytest

from opennebula_core.contracts.scheduler import (
    Call,
    Cloud,
    Decision,
    Limits,
    Migration,
    Placement,
    Round,
    SchedulerPolicy,
)
from opennebula_core.errors import ActionError, ClientError, InternalError
from opennebula_core.scheduling.runner import MOST_REFUSALS, TELL_AGAIN_S, Runner
from opennebula_core.testing.scheduler import make_cloud, make_host, make_round, make_vm, policy_context

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


class Core:
    """Answers calls from a table of errors by method and parameters."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.errors: dict[tuple[object, ...], Exception] = {}

    def begin(self, call: Call) -> Future[None]:
        self.calls.append(call)
        answer: Future[None] = Future()
        error = self.errors.get(call.params[:2])
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(error)
        return answer

    def called(self, method: str) -> list[tuple[object, ...]]:
        return [call.params for call in self.calls if call.method == method]


@pytest.fixture
def core() -> Core:
    return Core()


@pytest.fixture
def placed() -> list[Decision]:
    return []


@pytest.fixture
def runner(core: Core, placed: list[Decision]) -> Runner:
    return Runner(SchedulerPolicy(policy_context()), core, placed.append)


def a_round(cloud: Cloud, *, now: datetime = NOON, limits: Limits | None = None) -> Round:
    return make_round(SchedulerPolicy(policy_context()), cloud, now=now, limits=limits)


def test_placements_are_deployed_and_told(runner: Runner, core: Core, placed: list[Decision]) -> None:
    summary = runner.run(a_round(make_cloud([make_vm(3)], [make_host(7)])))
    assert core.calls == [Call("one.vm.deploy", (3, 7, False, -1, ""))]
    assert placed == summary.placed == [Placement(3, 7)]


def test_a_refused_vm_goes_to_the_next_host(runner: Runner, core: Core) -> None:
    core.errors[3, 0] = InternalError("not enough capacity")
    summary = runner.run(a_round(make_cloud([make_vm(3)], [make_host(0), make_host(1)])))
    assert summary.placed == [Placement(3, 1)]
    assert summary.refused == 1


def test_a_vm_that_is_refused_everywhere_is_given_up_and_told(runner: Runner, core: Core) -> None:
    hosts = [make_host(n) for n in range(MOST_REFUSALS + 3)]
    core.errors.update({(3, host.id): InternalError("quota used up") for host in hosts})
    summary = runner.run(a_round(make_cloud([make_vm(3)], hosts)))
    assert len(core.called("one.vm.deploy")) == MOST_REFUSALS
    [(vm_id, text, append)] = core.called("one.vm.update")
    assert (vm_id, append) == (3, 1)
    assert "quota used up" in str(text)
    assert summary.unplaced == 1


def test_a_vm_that_somebody_else_placed_is_left_alone(
    runner: Runner, core: Core, caplog: pytest.LogCaptureFixture
) -> None:
    core.errors[3, 0] = ActionError("Deploy action is not available for state ACTIVE")
    summary = runner.run(a_round(make_cloud([make_vm(3)], [make_host(0), make_host(1)])))
    assert len(core.calls) == 1
    assert (summary.placed, summary.taken) == ([], 1)
    assert "another scheduler acted on it first" in caplog.text


def test_what_was_carried_out_is_known_when_the_core_breaks_off(
    runner: Runner, core: Core, placed: list[Decision]
) -> None:
    core.errors[0, 0] = ClientError("connection lost")
    with pytest.raises(ClientError):
        runner.run(a_round(make_cloud([make_vm(0), make_vm(1)], [make_host(0)])))
    assert placed == [Placement(1, 0)]


def test_a_message_is_written_when_it_is_new(runner: Runner, core: Core) -> None:
    runner.run(a_round(make_cloud([make_vm(0)], [])))
    [(_, text, _)] = core.called("one.vm.update")
    assert "Cannot dispatch VM: there are no hosts" in str(text)


def test_a_message_that_the_vm_bears_already_is_not_written(runner: Runner, core: Core) -> None:
    vm = make_vm(0, message="Wed May  1 12:00:00 2024: Cannot dispatch VM: there are no hosts")
    runner.run(a_round(make_cloud([vm], [])))
    assert not core.calls


def test_a_message_that_changes_again_and_again_is_written_now_and_then(runner: Runner, core: Core) -> None:
    for second in range(int(TELL_AGAIN_S) + 1):
        vm = make_vm(0, message=f"Wed May  1 12:00:00 2024: another, {second}")
        runner.run(a_round(make_cloud([vm], []), now=NOON + timedelta(seconds=second)))
    assert len(core.called("one.vm.update")) == 2


def test_no_more_than_the_limit_is_placed(runner: Runner, core: Core) -> None:
    vms = [make_vm(n) for n in range(5)]
    summary = runner.run(a_round(make_cloud(vms, [make_host(0)]), limits=Limits(max_dispatch=2)))
    assert len(summary.placed) == len(core.calls) == 2


def test_rescheduled_vms_migrate_live_when_the_operator_says_so(core: Core, placed: list[Decision]) -> None:
    runner = Runner(SchedulerPolicy(policy_context()), core, placed.append, live_rescheds=True)
    runner.run(a_round(make_cloud([make_vm(3, resched_from=9)], [make_host(7)])))
    assert core.calls == [Call("one.vm.migrate", (3, 7, True, False, -1, 0))]
    assert placed == [Migration(3, 7, live=True)]
