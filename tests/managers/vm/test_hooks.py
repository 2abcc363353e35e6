from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.contracts.plan import PlanStep
from opennebula_core.errors import ActionError, OpenNebulaError
from opennebula_core.hookspecs import impl
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.testing.cloud import running_cloud


class Marker:
    @impl
    def opennebula_change_deployment(self, vm_id: int, driver: str, description: str) -> str:
        return f"{description}\n<!-- marked for {vm_id} on {driver} -->\n"


async def test_a_plugin_changes_the_deployment_description(tmp_path: Path) -> None:
    async with running_cloud(tmp_path, plugins=[("marker", Marker())]) as cloud:
        vm_id = await cloud.run_vm(await cloud.add_host("h1"))
        text = (cloud.daemon.location.vm_folder(vm_id) / "deployment.0").read_text()
    assert text.endswith(f"<!-- marked for {vm_id} on dummy -->\n")


class NoSuchDeployment:
    @impl
    def opennebula_change_deployment(self, vm_id: int, driver: str, description: str) -> str:
        raise OpenNebulaError("no licence is left")


async def test_a_plugin_that_refuses_a_deployment_leaves_its_reason(tmp_path: Path) -> None:
    async with running_cloud(tmp_path, plugins=[("licence", NoSuchDeployment())]) as cloud:
        vm_id, host_id = await cloud.add_vm(), await cloud.add_host("h1")
        await cloud.call("one.vm.deploy", vm_id, host_id)
        await cloud.settle(vm_id, LcmState.BOOT_FAILURE)
        assert "no licence is left" in cloud.vm(vm_id).user_template.get("ERROR")
        await cloud.act("terminate", vm_id)
        await cloud.settle(vm_id, VmState.DONE)
        assert cloud.host(host_id).cpu_usage == 0


class Gpu:
    """Attaches a device before the boot, by a step of a kind of its own."""

    def __init__(self, *, fails: bool = False) -> None:
        self.attached: list[tuple[int, str]] = []
        self.fails = fails

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        registry.add_step_kind("gpu", self.carry_out)

    async def carry_out(self, vm_id: int, action: str, parameters: Mapping[str, str]) -> str:
        if self.fails:
            raise OpenNebulaError("no device is free")
        self.attached.append((vm_id, parameters["address"]))
        return ""

    @impl
    def opennebula_add_plan_steps(self, operation: str, vm_id: int) -> list[PlanStep]:
        if operation != "deploy":
            return []
        return [PlanStep("gpu", "nvidia", "ATTACH", {"address": "01:00.0"}, before="DEPLOY")]


async def test_a_plugins_step_is_carried_out_before_the_boot(tmp_path: Path) -> None:
    gpu = Gpu()
    async with running_cloud(tmp_path, plugins=[("gpu", gpu)]) as cloud:
        vm_id = await cloud.run_vm(await cloud.add_host("h1"))
        assert gpu.attached == [(vm_id, "01:00.0")]
        assert cloud.vm(vm_id).deploy_id == f"one-{vm_id}"


async def test_a_plugins_step_that_fails_fails_the_deployment_and_can_be_retried(tmp_path: Path) -> None:
    gpu = Gpu(fails=True)
    async with running_cloud(tmp_path, plugins=[("gpu", gpu)]) as cloud:
        vm_id, host_id = await cloud.add_vm(), await cloud.add_host("h1")
        await cloud.call("one.vm.deploy", vm_id, host_id)
        await cloud.settle(vm_id, LcmState.PROLOG_FAILURE)
        assert "no device is free" in cloud.vm(vm_id).user_template.get("ERROR")
        gpu.fails = False
        await cloud.call("one.vm.recover", vm_id, 2)
        await cloud.settle(vm_id, LcmState.RUNNING)
        assert gpu.attached == [(vm_id, "01:00.0")]


class Nowhere:
    @impl
    def opennebula_add_plan_steps(self, operation: str) -> list[PlanStep]:
        return [PlanStep("gpu", "nvidia", "ATTACH", before="LIFTOFF")]


class Curfew:
    @impl
    def opennebula_add_plan_steps(self, operation: str) -> list[PlanStep]:
        raise OpenNebulaError("nothing starts at night")


@pytest.mark.parametrize(
    ("plugin", "text"), [(Nowhere(), "no step 'LIFTOFF'"), (Curfew(), "nothing starts at night")]
)
async def test_a_plan_that_a_plugin_refuses_is_not_begun(tmp_path: Path, plugin: object, text: str) -> None:
    async with running_cloud(tmp_path, plugins=[("plugin", plugin)]) as cloud:
        vm_id, host_id = await cloud.add_vm(), await cloud.add_host("h1")
        with pytest.raises(ActionError, match=text):
            await cloud.call("one.vm.deploy", vm_id, host_id)
        assert cloud.vm(vm_id).state is VmState.HOLD
        assert cloud.vm(vm_id).history == []
        assert cloud.host(host_id).cpu_usage == 0


class Freeze:
    @impl
    def opennebula_before_driver_action(self, kind: str, action: str, object_id: int) -> None:
        if (kind, action) == ("vmm", "SHUTDOWN"):
            raise OpenNebulaError(f"VM {object_id} is under a legal hold")


async def test_a_refused_driver_action_leaves_the_guest_running(tmp_path: Path) -> None:
    async with running_cloud(tmp_path, plugins=[("freeze", Freeze())]) as cloud:
        vm_id = await cloud.run_vm(await cloud.add_host("h1"))
        await cloud.act("poweroff", vm_id)
        await cloud.until(lambda: "legal hold" in cloud.vm(vm_id).user_template.get("ERROR"), "the reason")
        assert cloud.vm(vm_id).lcm_state is LcmState.RUNNING
