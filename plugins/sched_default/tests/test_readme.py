from __future__ import annotations

from pathlib import Path

from opennebula_core.contracts.driver import Option
from opennebula_sched_default import DefaultPolicy

POLICY = DefaultPolicy
README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def row(option: Option) -> str:
    default = f'"{option.default}"' if isinstance(option.default, str) else option.default
    return f"| `{option.name}` | `{default}` |"


def test_the_readme_has_every_option_with_its_default() -> None:
    assert [option.name for option in POLICY.options if row(option) not in README] == []
