from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from opennebula_core.testing.drivers import driver_context
from opennebula_core.testing.im import ImDriverContract
from opennebula_core.testing.kvmlab.lab import Lab
from opennebula_im_ssh import KvmMonitorDriver


@pytest.mark.integration
class TestKvmMonitorDriver(ImDriverContract):
    @pytest.fixture
    async def driver(self, front_end_network: Lab, tmp_path: Path) -> AsyncIterator[KvmMonitorDriver]:
        reach = str(front_end_network.front_end_ssh_config)
        driver = KvmMonitorDriver(driver_context(tmp_path, "kvm", ssh_config=reach))
        yield driver
        await driver.close()
