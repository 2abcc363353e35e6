"""The fixture ``cloud``; what it needs is imported when a test asks for it, not by every test run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from opennebula_core.testing.cloud import Cloud


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Cloud]:
    """Run a front-end with dummy drivers for the test; it has no hosts yet."""
    kit = import_module("opennebula_core.testing.cloud")
    async with kit.running_cloud(tmp_path) as running:
        yield running
