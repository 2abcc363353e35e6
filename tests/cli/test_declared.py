from __future__ import annotations

from pathlib import Path

import pytest

from opennebula_core.cli.declared import option_problems
from opennebula_core.config import Config, Location
from opennebula_core.contracts.driver import Option
from opennebula_core.plugins import PluginInfo, PluginStatus

OPTIONS = (Option("limit", int, 1, "how many"),)
CONFIGURED = """
[scheduler]
policy = "even"
[scheduler.even]
{even}
[scheduler.evening]
limit = "wrong"
[drivers.vmm.paper.options]
{paper}
[drivers.vmm.paper2.options]
limit = "wrong"
[drivers.vmm.other]
description = "paper2"
"""


@pytest.mark.parametrize(
    ("kind", "name", "where"),
    [("vmm", "paper", "drivers.vmm.paper.options"), ("scheduler", "even", "scheduler.even")],
)
def test_a_plugin_answers_for_its_own_section_alone(kind: str, name: str, where: str, tmp_path: Path) -> None:
    status = PluginStatus(PluginInfo(kind, name, "paper", "1.0", "paper:Paper"), options=OPTIONS)

    def problems(line: str) -> list[str]:
        text = CONFIGURED.format(even=line, paper=line)
        return option_problems(Config.parse(text, Location.at(tmp_path)), status)

    assert problems("limit = 2") == []
    (problem,) = problems('limit = "wrong"')
    assert where in problem
    assert len(problems("absent = 1")) == 1
