from __future__ import annotations

from pathlib import Path

import pytest

from opennebula_core.dummy.im import DummyIm
from opennebula_core.dummy.tm import DummyTm
from opennebula_core.dummy.vmm import DummyVmm
from opennebula_core.testing.drivers import driver_context
from opennebula_core.testing.im import ImDriverContract
from opennebula_core.testing.tm import TmDriverContract
from opennebula_core.testing.vmm import VmmDriverContract


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
