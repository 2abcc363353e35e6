from __future__ import annotations

from pathlib import Path

import pytest

from opennebula_core.dummy.auth import DummyAuth
from opennebula_core.dummy.datastore import DummyDatastore
from opennebula_core.dummy.im import DummyIm
from opennebula_core.dummy.tm import DummyTm
from opennebula_core.dummy.vmm import DummyVmm
from opennebula_core.dummy.vnm import DummyVnm
from opennebula_core.testing.auth import AuthDriverContract
from opennebula_core.testing.datastore import DatastoreDriverContract
from opennebula_core.testing.drivers import driver_context
from opennebula_core.testing.im import ImDriverContract
from opennebula_core.testing.tm import TmDriverContract
from opennebula_core.testing.vmm import VmmDriverContract
from opennebula_core.testing.vnm import VnmDriverContract


class TestDummyVmm(VmmDriverContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> DummyVmm:
        return DummyVmm(driver_context(tmp_path))


class TestDummyIm(ImDriverContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> DummyIm:
        return DummyIm(driver_context(tmp_path))


class TestDummyTm(TmDriverContract):
    moves_files = False

    @pytest.fixture
    def driver(self, tmp_path: Path) -> DummyTm:
        return DummyTm(driver_context(tmp_path))


class TestDummyDatastore(DatastoreDriverContract):
    keeps_files = False

    @pytest.fixture
    def driver(self, tmp_path: Path) -> DummyDatastore:
        return DummyDatastore(driver_context(tmp_path))


class TestDummyVnm(VnmDriverContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> DummyVnm:
        return DummyVnm(driver_context(tmp_path))


class TestDummyAuth(AuthDriverContract):
    lets_everybody_in = True

    @pytest.fixture
    def driver(self, tmp_path: Path) -> DummyAuth:
        return DummyAuth(driver_context(tmp_path))
