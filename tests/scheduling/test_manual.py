"""The manual says what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from opennebula_core.contracts.scheduler import Placement, SchedulerPolicy
from opennebula_core.plugins.description import POLICY_STEPS
from opennebula_core.scheduling.process import main
from opennebula_core.testing.scheduler import decide, make_cloud, make_host, make_vm, policy_context

ROOT = Path(__file__).parents[2]
MANUAL = (ROOT / "docs" / "scheduling.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "docs" / "plugins" / "examples" / "fullest"


def test_the_policy_in_the_manual_is_the_tested_example() -> None:
    assert (EXAMPLE / "acme_fullest.py").read_text(encoding="utf-8") in MANUAL
    entry_point = (
        (EXAMPLE / "pyproject.toml").read_text(encoding="utf-8").partition("[project.entry-points]\n")[2]
    )
    assert entry_point.splitlines()[0] in MANUAL


def test_the_policy_in_the_manual_works() -> None:
    names: dict[str, object] = {}
    exec((EXAMPLE / "acme_fullest.py").read_text(encoding="utf-8"), names)
    policy_class = names["FullestHost"]
    assert isinstance(policy_class, type)
    assert issubclass(policy_class, SchedulerPolicy)
    hosts = [make_host(0), make_host(1, memory_usage_kib=1)]
    assert decide(policy_class(policy_context()), make_cloud([make_vm(0)], hosts)) == [Placement(0, 1)]


@pytest.mark.parametrize("step", POLICY_STEPS)
def test_every_step_is_in_the_manual(step: str) -> None:
    assert f"| `{step}(" in MANUAL


@pytest.mark.parametrize("option", [option for param in main.params for option in param.opts])
def test_every_option_of_the_program_is_in_the_manual(option: str) -> None:
    assert option in MANUAL
