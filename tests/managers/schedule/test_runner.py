from __future__ import annotations

import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import AuthorizationError
from opennebula_core.hookspecs import impl
from opennebula_core.managers.schedule.runner import RETRY_S
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.model.template import Vector
from opennebula_core.testing.cloud import Cloud, running_cloud

from ..processes import running_daemon

HOUR = 3600


def action_of(cloud: Cloud, vm_id: int) -> Vector:
    (action,) = cloud.vm(vm_id).template.vectors("SCHED_ACTION")
    return action


async def schedule(cloud: Cloud, vm_id: int, text: str, after_s: int = 60, session: str = "") -> int:
    """Add an action that is due some time from now."""
    moment = int(cloud.clock()) + after_s
    return await cloud.new(
        "one.vm.schedadd",
        vm_id,
        f"SCHED_ACTION=[TIME={moment},{text}]",
        **({"session": session} if session else {}),
    )


async def test_an_action_is_carried_out_at_its_time_and_noted(cloud: Cloud) -> None:
    vm_id = await cloud.run_vm(await cloud.add_host("h1"))
    await schedule(cloud, vm_id, "ACTION=poweroff")
    assert "DONE" not in action_of(cloud, vm_id)
    cloud.clock.advance(60)
    await cloud.settle(vm_id, VmState.POWEROFF)
    assert action_of(cloud, vm_id)["DONE"] == str(int(cloud.clock()))
    await cloud.act("resume", vm_id)
    await cloud.settle(vm_id, LcmState.RUNNING)
    cloud.clock.advance(HOUR)
    due = "SELECT due FROM sched_action"
    assert cloud.daemon.store.read(lambda tx: tx.value(due)) is None
    assert "Scheduled action 0: poweroff" in cloud.vm_log(vm_id)


async def test_actions_of_one_vm_follow_one_another(cloud: Cloud) -> None:
    vm_id = await cloud.run_vm(await cloud.add_host("h1"))
    for number, action in enumerate(("poweroff", "resume", "suspend")):
        await schedule(cloud, vm_id, f"ACTION={action}", after_s=10 + number)
    cloud.clock.advance(15)

    async def later() -> bool:
        cloud.clock.advance(RETRY_S)  # what came too early is tried again
        return cloud.vm(vm_id).state is VmState.SUSPENDED

    await cloud.until(later, "all three")
    assert all("MESSAGE" not in item for item in cloud.vm(vm_id).template.vectors("SCHED_ACTION"))


async def test_an_action_keeps_to_the_quotas_of_the_owner(cloud: Cloud) -> None:
    user_id = await cloud.new("one.user.allocate", "alice", "pw", "core")
    host_id, vm_id = await cloud.add_host("h1"), await cloud.add_vm(session="alice:pw")
    await cloud.call("one.vm.deploy", vm_id, host_id)
    await cloud.settle(vm_id, LcmState.RUNNING)
    await cloud.act("suspend", vm_id)
    await cloud.settle(vm_id, VmState.SUSPENDED)
    await cloud.call("one.user.quota", user_id, "VM=[RUNNING_VMS=0]")
    await schedule(cloud, vm_id, "ACTION=resume", session="alice:pw")
    cloud.clock.advance(60)
    await cloud.until(lambda: "MESSAGE" in action_of(cloud, vm_id), "the message")
    assert "RUNNING_VMS quota" in action_of(cloud, vm_id)["MESSAGE"]
    assert cloud.vm(vm_id).state is VmState.SUSPENDED


async def test_what_the_state_does_not_allow_says_so_and_is_tried_again(cloud: Cloud) -> None:
    vm_id = await cloud.add_vm()
    await schedule(cloud, vm_id, "ACTION=poweroff")
    cloud.clock.advance(60)
    await cloud.until(lambda: "MESSAGE" in action_of(cloud, vm_id), "the message")
    message = action_of(cloud, vm_id)["MESSAGE"]
    assert "This action is not available for state HOLD" in message
    assert cloud.vm(vm_id).state is VmState.HOLD
    await cloud.call("one.vm.deploy", vm_id, await cloud.add_host("h1"))
    await cloud.settle(vm_id, LcmState.RUNNING)
    assert action_of(cloud, vm_id)["MESSAGE"] == message
    cloud.clock.advance(RETRY_S)
    await cloud.settle(vm_id, VmState.POWEROFF)
    assert "MESSAGE" not in action_of(cloud, vm_id)


async def test_a_repeated_action_that_was_missed_runs_once(cloud: Cloud) -> None:
    vm_id = await cloud.add_vm()
    await schedule(cloud, vm_id, "ACTION=hold,REPEAT=3,DAYS=1")
    first = int(action_of(cloud, vm_id)["TIME"])
    cloud.clock.advance(60 + 5 * HOUR + 7)
    await cloud.until(lambda: "DONE" in action_of(cloud, vm_id), "the action")
    assert action_of(cloud, vm_id)["TIME"] == str(first + 6 * HOUR)


async def test_an_action_ends_after_its_times(cloud: Cloud) -> None:
    vm_id = await cloud.add_vm()
    await schedule(cloud, vm_id, "ACTION=hold,REPEAT=3,DAYS=1,END_TYPE=1,END_VALUE=2")
    for left in ("1", "0"):
        cloud.clock.advance(HOUR)
        await cloud.until(lambda left=left: action_of(cloud, vm_id)["END_VALUE"] == left, f"{left} left")  # type: ignore[misc]
    assert cloud.daemon.store.read(lambda tx: tx.value("SELECT due FROM sched_action")) is None


async def test_the_owner_needs_the_right_when_the_action_is_due(cloud: Cloud) -> None:
    owner = await cloud.new("one.user.allocate", "ann", "pw", "core")
    vm_id = await cloud.add_vm(session="ann:pw")
    await schedule(cloud, vm_id, "ACTION=release", session="ann:pw")
    await cloud.call("one.vm.lock", vm_id, 4, False)
    cloud.clock.advance(60)
    refusal = f"User [{owner}] : Not authorized to perform MANAGE VM [{vm_id}]."
    await cloud.until(lambda: refusal in action_of(cloud, vm_id).get("MESSAGE", ""), "the refusal")
    await cloud.call("one.vm.unlock", vm_id)
    await cloud.call("one.user.enable", owner, False)
    cloud.clock.advance(RETRY_S)
    await cloud.until(lambda: "is disabled" in action_of(cloud, vm_id).get("MESSAGE", ""), "the refusal")
    await cloud.call("one.user.enable", owner, True)
    cloud.clock.advance(RETRY_S)
    await cloud.settle(vm_id, VmState.PENDING)


async def test_what_no_manager_can_do_says_so(cloud: Cloud) -> None:
    vm_id = await cloud.add_vm()
    await schedule(cloud, vm_id, 'ACTION=backup,ARGS="100"')
    cloud.clock.advance(60)
    await cloud.until(lambda: "one.vm.backup" in action_of(cloud, vm_id).get("MESSAGE", ""), "the message")


async def test_the_actions_of_a_vm_that_has_ended_are_forgotten(cloud: Cloud) -> None:
    vm_id = await cloud.add_vm()
    await schedule(cloud, vm_id, "ACTION=hold")
    await cloud.act("terminate", vm_id)
    cloud.clock.advance(60)
    count = "SELECT COUNT(*) FROM sched_action"
    await cloud.until(lambda: cloud.daemon.store.read(lambda tx: tx.value(count)) == 0, "it is forgotten")


class Archive:
    """Keeps what it is called with; once a call fails with what nobody expects."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[object, ...]]] = []
        self.fails = True

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        def backup(tx: Transaction, session: Session, *given: object) -> int:
            if self.fails:
                self.fails = False
                raise ZeroDivisionError
            self.calls.append((session.user_name, given))
            return 0

        params = (Param("id", int), Param("ds", int), Param("reset", bool, False))
        needs = (Need(ObjectKind.VM, Right.ADMIN, "id"), Need(ObjectKind.DATASTORE, Right.USE, "ds"))
        registry.add_method(Method("one.vm.backup", params, needs, Mode.WRITE, backup, "Keep a copy."))


async def test_the_arguments_reach_the_call_and_a_fault_stops_nothing(tmp_path: Path) -> None:
    archive = Archive()
    async with running_cloud(tmp_path, plugins=[("archive", archive)]) as cloud:
        vm_id = await cloud.add_vm()
        await schedule(cloud, vm_id, 'ACTION=backup,ARGS="1, true"')
        cloud.clock.advance(60)
        await cloud.until(lambda: "internal error" in action_of(cloud, vm_id).get("MESSAGE", ""), "a fault")
        cloud.clock.advance(RETRY_S)
        await cloud.until(lambda: bool(archive.calls), "the call")
    assert archive.calls == [("oneadmin", (vm_id, 1, True))]


async def test_what_was_due_while_the_cloud_was_down_is_done_after_its_start(tmp_path: Path) -> None:
    async with running_cloud(tmp_path) as cloud:
        vm_id = await cloud.add_vm()
        await schedule(cloud, vm_id, "ACTION=release")
        cloud.clock.advance(30)
    async with running_cloud(tmp_path) as cloud:
        cloud.clock.advance(61)
        await cloud.settle(vm_id, VmState.PENDING)


@pytest.mark.parametrize("delay_s", [0, 0.05, 0.5])
async def test_a_daemon_killed_around_the_moment_carries_it_out_once(tmp_path: Path, delay_s: float) -> None:
    """A real process dies with SIGKILL around the moment; the next one finds it done, or does it."""
    async with running_cloud(tmp_path) as cloud:
        vm_id = await cloud.run_vm(await cloud.add_host("h1"))
        text = f"SCHED_ACTION=[TIME={int(cloud.clock()) + 3600},ACTION=poweroff]"
        action_id = await cloud.new("one.vm.schedadd", vm_id, text)
    with running_daemon(tmp_path) as (process, client):
        text = f"SCHED_ACTION=[TIME={int(time.time())}]"
        client.call("one.vm.schedupdate", vm_id, action_id, text)
        with suppress(subprocess.TimeoutExpired):
            process.wait(delay_s)
    async with running_cloud(tmp_path) as cloud:
        cloud.clock.advance(RETRY_S)
        await cloud.settle(vm_id, VmState.POWEROFF)
        assert "MESSAGE" not in action_of(cloud, vm_id)
        assert [record.action.name for record in cloud.vm(vm_id).history] == ["POWEROFF"]
        assert "DONE" in action_of(cloud, vm_id)


class Curfew:
    """Refuses what anybody wants of VMs, as a plugin may."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, tuple[object, ...]]] = []

    @impl
    def opennebula_before_request(
        self, session: Session, method: str, parameters: tuple[object, ...]
    ) -> None:
        if method == "one.vm.action":
            self.asked.append((session.user_name, method, parameters))
            raise AuthorizationError("not at night")


async def test_plugins_may_refuse_what_is_scheduled_as_any_other_call(tmp_path: Path) -> None:
    curfew = Curfew()
    async with running_cloud(tmp_path, plugins=[("curfew", curfew)]) as cloud:
        await cloud.call("one.user.allocate", "ann", "pw", "core")
        vm_id = await cloud.add_vm(session="ann:pw")
        await schedule(cloud, vm_id, "ACTION=release", session="ann:pw")
        cloud.clock.advance(60)
        await cloud.until(lambda: "not at night" in action_of(cloud, vm_id).get("MESSAGE", ""), "the refusal")
        assert cloud.vm(vm_id).state is VmState.HOLD
    assert curfew.asked[0] == ("ann", "one.vm.action", ("release", vm_id))


async def test_whoever_writes_an_action_must_be_allowed_to_do_it_himself(tmp_path: Path) -> None:
    archive = Archive()
    archive.fails = False
    async with running_cloud(tmp_path, plugins=[("archive", archive)]) as cloud:
        ann = await cloud.new("one.user.allocate", "ann", "pw", "")
        await cloud.new("one.user.allocate", "bob", "pw", "")
        vm_id = await cloud.add_vm()
        await cloud.call("one.vm.chown", vm_id, ann, 1)
        await cloud.call("one.vm.chmod", vm_id, 1, 1, 1, 1, 1, 0, 0, 0, 0)  # the group may manage
        await cloud.call("one.datastore.chmod", 1, -1, -1, -1, -1, -1, -1, 1, -1, -1)
        keep = 'ACTION=backup,ARGS="1"'

        await schedule(cloud, vm_id, "ACTION=hold", session="bob:pw")
        action_id = int(action_of(cloud, vm_id)["ID"])
        for method, more in (("schedadd", ()), ("schedupdate", (action_id,))):
            text = f"SCHED_ACTION=[TIME={int(cloud.clock()) + 60},{keep}]"
            with pytest.raises(AuthorizationError, match="ADMIN VM"):
                await cloud.call(f"one.vm.{method}", vm_id, *more, text, session="bob:pw")
        assert action_of(cloud, vm_id)["ACTION"] == "hold"
        assert len(cloud.vm(vm_id).template.vectors("SCHED_ACTION")) == 1

        await schedule(cloud, vm_id, keep, session="ann:pw")
        cloud.clock.advance(60)
        await cloud.until(lambda: bool(archive.calls), "the call")
    assert archive.calls == [("ann", (vm_id, 1, False))]
