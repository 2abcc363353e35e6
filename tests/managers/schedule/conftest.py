"""The tests here move the clock of a cloud of their own."""

from __future__ import annotations

import pytest

from opennebula_core.testing.cloud import Cloud


@pytest.fixture
def cloud(front_end: Cloud) -> Cloud:
    """Return a cloud of the test's own."""
    return front_end
