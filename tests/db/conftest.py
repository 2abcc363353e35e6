from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opennebula_core.db.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return a store on a file of its own."""
    store = Store(tmp_path / "one.db", synchronous="OFF")
    yield store
    store.close()
