from __future__ import annotations

import threading
from pathlib import Path

import pytest

from opennebula_core.config import Location
from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.daemon import build
from opennebula_core.db.store import Store
from opennebula_core.errors import ConfigError
from opennebula_core.hookspecs import impl
from opennebula_core.testing.cloud import running_cloud


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith(("writer", "reader"))}


async def test_a_core_that_cannot_be_built_leaves_no_database_open(tmp_path: Path) -> None:
    location = Location.at(tmp_path)
    location.create()
    before = threads()
    with pytest.raises(ConfigError, match="there is no such file"):
        await build(location, synchronous="OFF")
    assert threads() == before
    Store(location.database_file, synchronous="OFF").close()
    assert not location.database_file.with_name("one.db-wal").exists()


class BrokenManager:
    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        registry.add_background_task("never", lambda: None)  # type: ignore[arg-type,return-value] # the test's point
        raise RuntimeError("not today")


async def test_a_built_in_manager_that_fails_ends_the_start_and_closes_everything(tmp_path: Path) -> None:
    before = threads()
    with pytest.raises(RuntimeError, match="not today"):
        async with running_cloud(tmp_path, plugins=[("broken", BrokenManager())]):
            raise AssertionError("it started")
    assert threads() == before
