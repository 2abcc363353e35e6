from __future__ import annotations

from pathlib import Path

import pytest

from opennebula_core.testing.datastore import DatastoreDriverContract
from opennebula_core.testing.drivers import driver_context
from opennebula_datastore_fs import FsDatastoreDriver


class TestFsDatastoreDriver(DatastoreDriverContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> FsDatastoreDriver:
        return FsDatastoreDriver(driver_context(tmp_path / "one", "fs"))
