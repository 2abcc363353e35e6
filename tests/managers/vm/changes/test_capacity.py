from __future__ import annotations

from typing import Any

import pytest

from opennebula_core.errors import ActionError, AuthorizationError, InternalError
from opennebula_core.model.states import HistoryAction, LcmState, VmState

from ...estate import Estate

pytestmark = pytest.mark.asyncio(loop_scope="module")

L, V = LcmState, VmState
FAILURE, SUCCESS, DELETE = 0, 1, 3
LIVE = "MEMORY_MAX=512\nVCPU=1\nVCPU_MAX=4"


def capacity(estate: Estate, vm_id: int) -> tuple[str, str, str]:
    template = estate.cloud.vm(vm_id).template
    return template.get("CPU"), template.get("MEMORY"), template.get("VCPU")


def stays(estate: Estate, vm_id: int) -> list[tuple[Any, ...]]:
    """Return what accounting reads of each stay: capacity, seconds of running, what it ended with."""
    rows = estate.cloud.daemon.store.read(
        lambda tx: tx.query(
            "SELECT cpu_percent, memory_mib, CASE WHEN running_etime = 0 THEN -1 "
            "ELSE running_etime - running_stime END, action FROM history WHERE vm_id = ? ORDER BY seq",
            (vm_id,),
        )
    )
    return [tuple(row) for row in rows]


async def off(estate: Estate, more: str = "") -> int:
    vm_id = await estate.run(more)
    estate.cloud.clock.advance(100)
    await estate.cloud.act("poweroff", vm_id)
    await estate.cloud.settle(vm_id, V.POWEROFF)
    return vm_id


async def end(estate: Estate, vm_id: int) -> None:
    await estate.recover(vm_id, DELETE)
    await estate.cloud.settle(vm_id, V.DONE)
    assert estate.usage(estate.here) == (0, 0, 0, 0)


async def test_each_stay_keeps_the_capacity_that_it_had(estate: Estate) -> None:
    vm_id = await off(estate)
    estate.cloud.clock.advance(50)
    await estate.cloud.call("one.vm.resize", vm_id, "CPU=1.5\nMEMORY=256\nVCPU=2", True)
    assert capacity(estate, vm_id) == ("1.5", "256", "2")
    assert estate.place(vm_id) == (V.POWEROFF, L.LCM_INIT)
    assert estate.usage(estate.here)[:3] == (1, 150, 256 << 10)
    assert stays(estate, vm_id) == [
        (50, 64, 100, HistoryAction.RESIZE),
        (150, 256, 0, HistoryAction.POWEROFF),
    ]
    await estate.cloud.act("resume", vm_id)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert [stay[:2] for stay in stays(estate, vm_id)] == [(50, 64), (150, 256), (150, 256)]
    await end(estate, vm_id)


async def test_a_vm_that_waits_is_resized_without_a_stay(estate: Estate) -> None:
    vm_id = await estate.cloud.add_vm()
    await estate.cloud.call("one.vm.resize", vm_id, "MEMORY=96")
    assert capacity(estate, vm_id) == ("0.5", "96", "")
    assert estate.cloud.vm(vm_id).history == []
    await estate.cloud.call("one.vm.deploy", vm_id, estate.here)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert stays(estate, vm_id)[0][:2] == (50, 96)
    await end(estate, vm_id)


async def test_an_undeployed_vm_comes_back_as_large_as_it_was_made(estate: Estate) -> None:
    vm_id = await estate.run()
    await estate.cloud.act("undeploy", vm_id)
    await estate.cloud.settle(vm_id, V.UNDEPLOYED)
    await estate.cloud.call("one.vm.resize", vm_id, "CPU=2")
    assert len(estate.cloud.vm(vm_id).history) == 1
    assert estate.usage(estate.here) == (0, 0, 0, 0)
    await estate.cloud.call("one.vm.deploy", vm_id, estate.here)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert [stay[0] for stay in stays(estate, vm_id)] == [50, 200]
    await end(estate, vm_id)


async def test_the_host_must_have_room_unless_an_administrator_does_without(estate: Estate) -> None:
    vm_id = await off(estate)
    much = f"MEMORY={estate.cloud.host(estate.here).max_mem >> 10}"
    usage, before = estate.usage(estate.here), len(estate.cloud.vm(vm_id).history)
    await estate.cloud.call("one.vm.resize", vm_id, much, True)  # all of it, without its own share
    await estate.cloud.call("one.vm.resize", vm_id, "MEMORY=64", True)
    assert estate.usage(estate.here) == usage
    more = f"MEMORY={(estate.cloud.host(estate.here).max_mem >> 10) + 1}"
    with pytest.raises(ActionError, match="does not have enough capacity"):
        await estate.cloud.call("one.vm.resize", vm_id, more, True)
    assert estate.usage(estate.here) == usage
    assert len(estate.cloud.vm(vm_id).history) == before + 2
    await estate.cloud.call("one.vm.resize", vm_id, more, False)

    await estate.cloud.call("one.user.allocate", "ann", "pw", "", [])
    await estate.cloud.call("one.vm.chown", vm_id, 2, 1)
    with pytest.raises(ActionError, match="does not have enough capacity"):
        await estate.cloud.call("one.vm.resize", vm_id, f"{more}0", False, session="ann:pw")
    await estate.cloud.call("one.vm.resize", vm_id, "MEMORY=32", False, session="ann:pw")
    await end(estate, vm_id)


@pytest.mark.parametrize("text", ["CPU=0", "CPU=-1", "MEMORY=x", "MEMORY=1.5", "VCPU=0", "CPU=1e99"])
async def test_numbers_that_are_none_are_refused(estate: Estate, text: str) -> None:
    vm_id = await estate.cloud.add_vm()
    with pytest.raises(InternalError, match="must be a positive"):
        await estate.cloud.call("one.vm.resize", vm_id, text)
    assert capacity(estate, vm_id) == ("0.5", "64", "")


async def test_a_running_vm_grows_within_its_limits(estate: Estate) -> None:
    vm_id = await estate.run(LIVE)
    estate.cloud.clock.advance(100)
    await estate.cloud.call("one.vm.resize", vm_id, "MEMORY=512\nVCPU=4\nCPU=1")
    assert estate.place(vm_id) == (V.ACTIVE, L.HOTPLUG_RESIZE)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert capacity(estate, vm_id) == ("1", "512", "4")
    assert stays(estate, vm_id) == [(50, 64, 100, HistoryAction.RESIZE), (100, 512, -1, 0)]
    guest = (estate.cloud.location / f"var/dummy/hosts/h1/one-{vm_id}.json").read_text()
    assert '"memory_mib": 512' in guest
    with pytest.raises(ActionError, match="its MEMORY_MAX is 512; power it off first"):
        await estate.cloud.call("one.vm.resize", vm_id, "MEMORY=513")
    await end(estate, vm_id)


@pytest.mark.parametrize(
    ("operation", "memory"), [(SUCCESS, "128"), (FAILURE, "64")], ids=["success", "failure"]
)
async def test_a_resize_whose_driver_hangs_is_recovered(estate: Estate, operation: int, memory: str) -> None:
    vm_id = await estate.run(LIVE)
    estate.cloud.behave({"vmm/RESIZE": {"hang": True}})
    await estate.cloud.call("one.vm.resize", vm_id, "MEMORY=128")
    await estate.recover(vm_id, operation)
    await estate.cloud.settle(vm_id, L.RUNNING)
    assert capacity(estate, vm_id)[1] == memory
    assert estate.usage(estate.here)[2] == int(memory) << 10
    await end(estate, vm_id)


async def test_what_the_driver_cannot_do_is_taken_back(estate: Estate) -> None:
    vm_id = await estate.run(LIVE)
    await estate.fail("vmm/RESIZE", "no balloon")
    await estate.cloud.call("one.vm.resize", vm_id, "MEMORY=128")
    await estate.cloud.settle(vm_id, L.RUNNING)
    estate.cloud.behave()
    assert capacity(estate, vm_id) == ("0.5", "64", "1")
    assert "no balloon" in estate.cloud.vm(vm_id).user_template.get("ERROR")
    assert [stay[1] for stay in stays(estate, vm_id)] == [64, 128, 64]
    await end(estate, vm_id)


@pytest.mark.parametrize("state", [V.SUSPENDED, V.STOPPED, V.DONE, L.UNKNOWN, L.HOTPLUG_RESIZE])
async def test_other_states_refuse_it(estate: Estate, state: LcmState | VmState) -> None:
    vm_id = await estate.put(state)
    with pytest.raises(ActionError, match=r"resize.*not available for state"):
        await estate.cloud.call("one.vm.resize", vm_id, "CPU=1")


async def test_a_stranger_may_not(estate: Estate) -> None:
    await estate.cloud.call("one.user.allocate", "bob", "pw", "", [])
    vm_id = await estate.cloud.add_vm()
    with pytest.raises(AuthorizationError, match="MANAGE VM"):
        await estate.cloud.call("one.vm.resize", vm_id, "CPU=1", session="bob:pw")
