"""The accounting views through the life of real VMs, whose clock the test moves."""

from __future__ import annotations

from typing import Any

import pytest

from opennebula_core.model.states import LcmState, VmState
from opennebula_core.testing.cloud import Cloud

L, V = LcmState, VmState
HOUR = 3600


def ask(cloud: Cloud, sql: str) -> list[tuple[Any, ...]]:
    return cloud.daemon.store.read(lambda tx: tx.query(sql))


def hours_by_host(cloud: Cloud) -> dict[str, float]:
    return dict(ask(cloud, "SELECT host_name, vm_hours FROM vm_hours"))


async def act(cloud: Cloud, action: str, vm_id: int, *states: VmState | LcmState) -> None:
    await cloud.act(action, vm_id)
    await cloud.settle(vm_id, *states)


async def test_sleep_is_free_and_each_host_is_charged_for_its_own_hours(cloud: Cloud) -> None:
    here, there = await cloud.add_host("h1"), await cloud.add_host("h2")
    vm_id = await cloud.run_vm(here)
    cloud.clock.advance(2 * HOUR)
    await act(cloud, "suspend", vm_id, V.SUSPENDED)
    cloud.clock.advance(5 * HOUR)
    await act(cloud, "resume", vm_id, L.RUNNING)
    cloud.clock.advance(1 * HOUR)
    await cloud.call("one.vm.migrate", vm_id, there, True)
    await cloud.settle(vm_id, L.RUNNING)
    cloud.clock.advance(4 * HOUR)
    await act(cloud, "terminate", vm_id, V.DONE)
    cloud.clock.advance(9 * HOUR)
    assert hours_by_host(cloud) == {"h1": 3.0, "h2": 4.0}
    assert ask(cloud, "SELECT seq, running_seconds FROM vm_stay ORDER BY seq") == [
        (0, 2 * HOUR),
        (1, 1 * HOUR),
        (2, 4 * HOUR),
    ]
    totals = ask(cloud, "SELECT user_name, vms, core_hours, memory_gib_hours FROM vm_hours WHERE host_id = 1")
    assert totals == [("oneadmin", 1, 2.0, pytest.approx(4 * 64 / 1024))]


@pytest.mark.parametrize(
    ("down", "asleep", "up"),
    [
        ("poweroff", V.POWEROFF, L.RUNNING),
        ("stop", V.STOPPED, V.PENDING),
        ("undeploy", V.UNDEPLOYED, V.PENDING),
    ],
)
async def test_a_vm_that_is_off_or_stored_is_free(
    cloud: Cloud, down: str, asleep: VmState, up: VmState | LcmState
) -> None:
    host_id = await cloud.add_host("h1")
    vm_id = await cloud.run_vm(host_id)
    cloud.clock.advance(1 * HOUR)
    await act(cloud, down, vm_id, asleep)
    cloud.clock.advance(7 * HOUR)
    await act(cloud, "resume", vm_id, up)
    if up is V.PENDING:
        cloud.clock.advance(2 * HOUR)
        await cloud.call("one.vm.deploy", vm_id, host_id)
        await cloud.settle(vm_id, L.RUNNING)
    cloud.clock.advance(3 * HOUR)
    await act(cloud, "terminate-hard", vm_id, V.DONE)
    assert hours_by_host(cloud) == {"h1": 4.0}


async def test_waiting_and_failing_to_start_are_free(cloud: Cloud) -> None:
    host_id, vm_id = await cloud.add_host("h1"), await cloud.add_vm()
    cloud.clock.advance(1 * HOUR)
    cloud.behave({"vmm/DEPLOY": {"failure_rate": 1.0}})
    await cloud.call("one.vm.deploy", vm_id, host_id)
    await cloud.settle(vm_id, L.BOOT_FAILURE)
    cloud.behave()
    cloud.clock.advance(8 * HOUR)
    await cloud.call("one.vm.recover", vm_id, 2)
    await cloud.settle(vm_id, L.RUNNING)
    cloud.clock.advance(2 * HOUR)
    await act(cloud, "terminate", vm_id, V.DONE)
    assert hours_by_host(cloud) == {"h1": 2.0}


async def test_a_start_that_failed_after_sleep_is_free_too(cloud: Cloud) -> None:
    vm_id = await cloud.run_vm(await cloud.add_host("h1"))
    cloud.clock.advance(1 * HOUR)
    await act(cloud, "poweroff", vm_id, V.POWEROFF)
    cloud.behave({"vmm/DEPLOY": {"failure_rate": 1.0}})
    await cloud.act("resume", vm_id)
    await cloud.until(lambda: "ERROR" in cloud.vm(vm_id).user_template, "the failure")
    await cloud.settle(vm_id, V.POWEROFF)
    cloud.clock.advance(6 * HOUR)
    assert hours_by_host(cloud) == {"h1": 1.0}


async def test_a_live_migration_that_fails_goes_on_at_home(cloud: Cloud) -> None:
    here, there = await cloud.add_host("h1"), await cloud.add_host("h2")
    vm_id = await cloud.run_vm(here)
    cloud.clock.advance(1 * HOUR)
    cloud.behave({"vmm/MIGRATE": {"failure_rate": 1.0}})
    await cloud.call("one.vm.migrate", vm_id, there, True)
    await cloud.until(lambda: len(cloud.vm(vm_id).history) == 3, "the third stay")
    cloud.behave()
    cloud.clock.advance(1 * HOUR)
    await act(cloud, "terminate", vm_id, V.DONE)
    assert hours_by_host(cloud) == {"h1": 2.0, "h2": 0.0}


async def test_a_cold_migration_charges_nobody_for_the_move(cloud: Cloud) -> None:
    here, there = await cloud.add_host("h1"), await cloud.add_host("h2")
    vm_id = await cloud.run_vm(here)
    cloud.clock.advance(1 * HOUR)
    cloud.behave({"tm/MV": {"failure_rate": 1.0}})
    await cloud.call("one.vm.migrate", vm_id, there, False)
    await cloud.settle(vm_id, L.PROLOG_MIGRATE_FAILURE)
    cloud.behave()
    cloud.clock.advance(5 * HOUR)
    await cloud.call("one.vm.recover", vm_id, 2)
    await cloud.settle(vm_id, L.RUNNING)
    cloud.clock.advance(2 * HOUR)
    await act(cloud, "terminate", vm_id, V.DONE)
    assert hours_by_host(cloud) == {"h1": 1.0, "h2": 2.0}
