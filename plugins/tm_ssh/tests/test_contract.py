from __future__ import annotations

from pathlib import Path

import pytest

from opennebula_core.testing.drivers import driver_context
from opennebula_core.testing.tm import TmDriverContract
from opennebula_tm_ssh import SshTransferDriver


class TestSshTransferDriver(TmDriverContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> SshTransferDriver:
        return SshTransferDriver(driver_context(tmp_path, "ssh"))
