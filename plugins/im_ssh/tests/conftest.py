from __future__ import annotations

from pathlib import Path

import pytest

MARK = "--mark"


@pytest.fixture
def recorded() -> str:
    """Return what the probe wrote on a Debian 12 with two guests, with facts, marked ``--mark``."""
    return (Path(__file__).parent / "recorded/debian-12.txt").read_text()
