from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from opennebula_core.errors import ActionError, AuthorizationError, InternalError, NotFoundError
from opennebula_core.testing.cloud import Cloud, running_cloud

pytestmark = pytest.mark.asyncio(loop_scope="module")

SMALL = "CPU=1\nMEMORY=256"


@dataclass
class Rack:
    """A cluster of two hosts with four VMs, all of them on the first."""

    cloud: Cloud
    full: int
    empty: int
    vm_ids: list[int]

    async def info(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(str(await self.cloud.call("one.cluster.planinfo", 0)))
        return found

    async def reach(self, *states: str) -> dict[str, Any]:
        """Wait until the plan is in one of the states and no move is under way."""
        async with asyncio.timeout(60):
            while True:
                plan = await self.info()
                moving = [move for move in plan["moves"] if move["state"] == "APPLYING"]
                if plan["state"] not in ("NONE", "APPLYING") and not moving:
                    assert plan["state"] in states, json.dumps(plan)
                    return plan
                await asyncio.sleep(0.02)

    def places(self) -> list[int]:
        return [self.cloud.vm(vm_id).history[-1].host_id for vm_id in self.vm_ids]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rack]:
    async with running_cloud(tmp_path_factory.mktemp("rack")) as cloud:
        full, empty = await cloud.add_host("full"), await cloud.add_host("empty")
        yield Rack(cloud, full, empty, [await cloud.run_vm(full, SMALL) for _ in range(4)])


async def test_a_plan_is_computed_kept_carried_out_and_undone(rack: Rack) -> None:
    call = rack.cloud.call
    with pytest.raises(ActionError, match="Cluster 0 has no plan; ask for one with 'onecluster optimize 0'"):
        await call("one.cluster.planexecute", 0)
    assert await call("one.cluster.optimize", 0) == 0
    plan = await rack.reach("READY")
    assert [(move["source"], move["target"]) for move in plan["moves"]] == [("full", "empty")] * 2
    assert plan["before"]["cpu_most_percent"] > plan["after"]["cpu_most_percent"]
    document = await rack.cloud.document("one.cluster.info", 0)
    assert document.findtext("PLAN/STATE") == "0"
    assert [item.findtext("OPERATION") for item in document.iterfind("PLAN/ACTION")] == ["migrate"] * 2
    assert rack.places() == [rack.full] * 4

    await call("one.cluster.planexecute", 0, "AT_A_TIME=1")
    plan = await rack.reach("DONE")
    assert sorted(rack.places()) == sorted([rack.full, rack.full, rack.empty, rack.empty])
    assert rack.cloud.host(rack.empty).running_vms == 2
    with pytest.raises(ActionError, match="has nothing left to do"):
        await call("one.cluster.planexecute", 0)

    await call("one.cluster.planrevert", 0)
    plan = await rack.info()
    assert [(move["source"], move["target"]) for move in plan["moves"]] == [("empty", "full")] * 2
    await call("one.cluster.planexecute", 0)
    await rack.reach("DONE")
    assert rack.places() == [rack.full] * 4
    await call("one.cluster.plandelete", 0)
    assert (await rack.cloud.document("one.cluster.info", 0)).find("PLAN") is None


async def test_a_failed_move_ends_the_plan_which_goes_on_when_asked_to(rack: Rack) -> None:
    await rack.cloud.call("one.cluster.optimize", 0, "SOLVER=heuristic")
    await rack.reach("READY")
    rack.cloud.behave({"vmm/MIGRATE": {"failure_rate": 1.0, "message": "no luck"}})
    await rack.cloud.call("one.cluster.planexecute", 0, "AT_A_TIME=1")
    plan = await rack.reach("ERROR")
    assert plan["message"].startswith("0 of 2 moves done, then VM ")
    assert plan["message"].endswith("it is on host 'full' again; see its log")
    assert [move["state"] for move in plan["moves"]] == ["ERROR", "READY"]
    assert rack.places() == [rack.full] * 4
    rack.cloud.behave()
    await rack.cloud.call("one.cluster.planexecute", 0)
    await rack.reach("DONE")
    assert rack.places().count(rack.empty) == 2
    await rack.cloud.call("one.cluster.planrevert", 0)
    await rack.cloud.call("one.cluster.planexecute", 0)
    await rack.reach("DONE")


async def test_a_plan_that_is_stopped_ends_what_is_under_way_and_can_be_undone(rack: Rack) -> None:
    call = rack.cloud.call
    await call("one.cluster.optimize", 0, "MOVES=2")
    await rack.reach("READY")
    rack.cloud.behave({"vmm/MIGRATE": {"delay_s": 0.3}})
    await call("one.cluster.planexecute", 0, "AT_A_TIME=1")
    async with asyncio.timeout(30):
        while not any(move["state"] == "APPLYING" for move in (await rack.info())["moves"]):
            await asyncio.sleep(0.01)
    with pytest.raises(ActionError, match="is being carried out already"):
        await call("one.cluster.planexecute", 0)
    for method in ("optimize", "plandelete", "planrevert"):
        with pytest.raises(ActionError, match="wait for its end, or stop it with 'onecluster planstop 0'"):
            await call(f"one.cluster.{method}", 0)
    await call("one.cluster.planstop", 0)
    plan = await rack.reach("ERROR")
    assert [move["state"] for move in plan["moves"]] == ["DONE", "READY"]
    assert plan["message"] == "stopped by oneadmin; go on with 'onecluster planexecute 0'"
    rack.cloud.behave()
    await call("one.cluster.planrevert", 0)
    await call("one.cluster.planexecute", 0)
    await rack.reach("DONE")
    assert rack.places() == [rack.full] * 4


async def test_a_move_that_somebody_else_made_in_between_is_no_move_of_the_plan(rack: Rack) -> None:
    call = rack.cloud.call
    await call("one.cluster.optimize", 0)
    plan = await rack.reach("READY")
    first, second = (move["vm_id"] for move in plan["moves"])
    await call("one.vm.migrate", first, rack.empty, True)
    await rack.cloud.settle(first, rack.cloud.vm(rack.vm_ids[-1]).lcm_state)
    await call("one.cluster.planexecute", 0)
    await rack.reach("DONE")
    assert {rack.cloud.vm(vm_id).history[-1].host_id for vm_id in (first, second)} == {rack.empty}
    for vm_id in (first, second):
        await call("one.vm.migrate", vm_id, rack.full, True)
        await rack.cloud.settle(vm_id, rack.cloud.vm(rack.vm_ids[-1]).lcm_state)
    await call("one.cluster.plandelete", 0)


async def test_who_may_not_administrate_the_cluster_asks_for_no_plans(rack: Rack) -> None:
    await rack.cloud.new("one.user.allocate", "ann", "secret", "core", [])
    for method in ("optimize", "planexecute", "plandelete", "planstop", "planrevert", "planinfo"):
        with pytest.raises(AuthorizationError):
            await rack.cloud.call(f"one.cluster.{method}", 0, session="ann:secret")
        with pytest.raises(NotFoundError):
            await rack.cloud.call(f"one.cluster.{method}", 99)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("GOAL=nice", "Wrong GOAL 'nice' of a plan; use balance, pack"),
        ("MOVES=-1", "Wrong MOVES '-1' of a plan; use a number from 0 to 100000"),
        ("SPEED=1", "Unknown setting 'SPEED' of a plan; there are GOAL, RESOURCE"),
    ],
)
async def test_a_setting_that_makes_no_sense_is_refused(rack: Rack, settings: str, message: str) -> None:
    with pytest.raises(InternalError, match=message):
        await rack.cloud.call("one.cluster.optimize", 0, settings)


async def test_plans_survive_a_restart_of_the_core(tmp_path: Path) -> None:
    async with running_cloud(tmp_path) as cloud:
        full, empty = await cloud.add_host("full"), await cloud.add_host("empty")
        rack = Rack(cloud, full, empty, [await cloud.run_vm(full, SMALL) for _ in range(4)])
        await cloud.call("one.cluster.optimize", 0)
        await rack.reach("READY")
        cloud.behave({"vmm/MIGRATE": {"delay_s": 0.5}})
        await cloud.call("one.cluster.planexecute", 0, "AT_A_TIME=1")
        async with asyncio.timeout(30):
            while not any(move["state"] == "APPLYING" for move in (await rack.info())["moves"]):
                await asyncio.sleep(0.01)
    async with running_cloud(tmp_path) as cloud:
        rack.cloud = cloud
        await rack.reach("DONE")
        assert rack.places().count(empty) == 2
        await cloud.call("one.cluster.optimize", 0, "GOAL=pack")
    async with running_cloud(tmp_path) as cloud:
        rack.cloud = cloud
        plan = await rack.reach("READY")
        assert len(plan["emptied"]) == 1
