from __future__ import annotations

import re
from pathlib import Path

import pytest

from opennebula_core.config import Config, Location
from opennebula_core.config.manual import page

PAGE = Path(__file__).parents[2] / "docs/configuration.md"


def test_the_manual_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run python -m opennebula_core.config.manual > docs/configuration.md"


@pytest.mark.parametrize("example", re.findall(r"```toml\n(.*?)```", page(), flags=re.DOTALL))
def test_the_manuals_examples_are_right(example: str, tmp_path: Path) -> None:
    Config.parse(example, Location.at(tmp_path))
