from __future__ import annotations

from typing import Any

import pytest

from tests.cli.shell import Shell


@pytest.fixture
def running(cloud: Shell) -> int:
    """A VM that runs and may grow."""
    growing = "--attribute MEMORY_MAX=128 --context A=1"
    return cloud.make(f"onevm create --cpu 0.1 --memory 32 {growing} --wait --timeout 60")


def template(cloud: Shell, vm_id: int) -> dict[str, Any]:
    found: dict[str, Any] = cloud.document(f"onevm show {vm_id}")["VM"]["TEMPLATE"]
    return found


def test_a_vm_is_resized_while_it_runs_and_while_it_waits(cloud: Shell, running: int) -> None:
    cloud.ok(f"onevm resize {running} --memory 128M --wait --timeout 60")
    assert template(cloud, running)["MEMORY"] == "128"

    waiting = cloud.make("onevm create --cpu 0.1 --memory 32 --hold")
    cloud.ok(f"onevm resize {waiting} --cpu 0.25 --vcpu 2 --no-enforce")
    assert (template(cloud, waiting)["CPU"], template(cloud, waiting)["VCPU"]) == ("0.25", "2")


def test_a_resize_to_nothing_is_a_wrong_use(cloud: Shell, running: int) -> None:
    assert "--cpu, --vcpu or --memory" in cloud.misused(f"onevm resize {running}")


def test_a_configuration_is_merged_or_replaced(cloud: Shell, running: int) -> None:
    cloud.ok(f"onevm updateconf {running} --append --wait --timeout 60", stdin="CONTEXT=[B=2]")
    context = template(cloud, running)["CONTEXT"]
    assert (context["A"], context["B"]) == ("1", "2")

    cloud.ok(f"onevm updateconf {running} - --wait --timeout 60", stdin="CONTEXT=[C=3]")
    context = template(cloud, running)["CONTEXT"]
    assert ("A" in context, context["C"]) == (False, "3")
