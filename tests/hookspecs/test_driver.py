from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from opennebula_core.contracts.plan import PlanStep
from opennebula_core.errors import DriverError, OpenNebulaError
from opennebula_core.hookspecs import impl
from opennebula_core.managers.hooks import CoreHooks
from opennebula_core.plugins import create_hook_manager

DEPLOY = PlanStep("vmm", "kvm", "DEPLOY")


def core_with(*plugins: object) -> CoreHooks:
    """Return the hooks as the managers call them; the last plugin is called first."""
    return CoreHooks(create_hook_manager((f"plugin{n}", plugin) for n, plugin in enumerate(plugins)))


class Freeze:
    @impl
    def opennebula_before_driver_action(self, kind: str, action: str, object_id: int) -> None:
        if (kind, action) == ("vmm", "SHUTDOWN"):
            raise OpenNebulaError(f"VM {object_id} is under a legal hold")


def test_hook_opennebula_before_driver_action_may_refuse() -> None:
    core = core_with(Freeze())

    core.before_driver_action("vmm", "kvm", "DEPLOY", 7)

    with pytest.raises(DriverError, match="SHUTDOWN refused: VM 7 is under a legal hold"):
        core.before_driver_action("vmm", "kvm", "SHUTDOWN", 7)


class Audit:
    def __init__(self) -> None:
        self.lines: list[str] = []

    @impl
    def opennebula_driver_action_done(
        self, kind: str, name: str, action: str, object_id: int, success: bool, info: str
    ) -> None:
        self.lines.append(f"{kind}/{name} {action} {object_id} {success} {info}")


def test_hook_opennebula_driver_action_done_is_told() -> None:
    audit = Audit()

    core_with(audit).driver_action_done("vmm", "kvm", "DEPLOY", 7, success=True, info="one-7")

    assert audit.lines == ["vmm/kvm DEPLOY 7 True one-7"]


class Gpus:
    def __init__(self, answer: Mapping[str, str] | None) -> None:
        self.answer = answer

    @impl
    def opennebula_contribute_host_attributes(
        self, hostname: str, attributes: Mapping[str, str]
    ) -> Mapping[str, str] | None:
        return self.answer if attributes["ARCH"] == "x86_64" and hostname == "host01" else None


def test_hook_opennebula_contribute_host_attributes_adds_to_a_report() -> None:
    core = core_with(Gpus({"GPUS": "2", "RACK": "a"}), Gpus(None), Gpus({"gpus": "1"}))

    assert core.host_attributes(3, "host01", {"ARCH": "x86_64"}) == {"GPUS": "2", "RACK": "a"}
    assert core.host_attributes(3, "host02", {"ARCH": "x86_64"}) == {}


class Passthrough:
    def __init__(self, device: str) -> None:
        self.device = device

    @impl
    def opennebula_change_deployment(self, vm_id: int, driver: str, description: str) -> str | None:
        if driver != "kvm":
            raise OpenNebulaError(f"VM {vm_id} needs kvm")
        return description.replace("</devices>", f"<hostdev id='{self.device}'/></devices>")


def test_hook_opennebula_change_deployment_is_chained_and_may_refuse() -> None:
    core = core_with(Passthrough("b"), Passthrough("a"))

    assert core.change_deployment(7, "kvm", "<devices></devices>") == (
        "<devices><hostdev id='a'/><hostdev id='b'/></devices>"
    )
    with pytest.raises(DriverError, match="deployment refused: VM 7 needs kvm"):
        core.change_deployment(7, "dummy", "<devices></devices>")


class AttachGpu:
    @impl
    def opennebula_add_plan_steps(
        self, operation: str, steps: Sequence[PlanStep]
    ) -> Sequence[PlanStep] | None:
        if operation != "deploy":
            return None
        return [PlanStep("vmm", steps[0].driver, "ATTACHGPU", {"slot": "1"}, before="DEPLOY")]


def test_hook_opennebula_add_plan_steps_adds_steps() -> None:
    core = core_with(AttachGpu())

    assert core.plan_steps("deploy", 7, [DEPLOY]) == [
        PlanStep("vmm", "kvm", "ATTACHGPU", {"slot": "1"}, before="DEPLOY")
    ]
    assert core.plan_steps("reboot", 7, [DEPLOY]) == []
