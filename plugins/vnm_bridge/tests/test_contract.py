from __future__ import annotations

from collections.abc import Sequence

import pytest

from opennebula_core.model.template import Vector
from opennebula_core.testing.drivers import driver_context
from opennebula_core.testing.kvmlab.lab import Lab
from opennebula_core.testing.vnm import VnmDriverContract
from opennebula_vnm_bridge import BridgeDriver


@pytest.mark.integration
class TestBridgeDriver(VnmDriverContract):
    @pytest.fixture
    def driver(self, front_end_network: Lab) -> BridgeDriver:
        self.lab = front_end_network
        config = str(front_end_network.front_end_ssh_config)
        return BridgeDriver(driver_context(front_end_network.directory, ssh_config=config))

    @pytest.fixture
    def nics(self) -> list[Vector]:
        """Return a NIC with a group that lets nothing through."""
        values = {"NIC_ID": "0", "NETWORK_ID": "0", "BRIDGE": "onetest0", "MAC": "02:00:0a:00:00:01"}
        return [Vector({**values, "TARGET": "one-7-0", "SECURITY_GROUPS": "404"})]

    def is_prepared(self, host: str, nics: Sequence[Vector]) -> bool | None:
        """Return whether bridge and filter are there; None: one without the other."""
        has_bridge = "onetest0" in self.lab.exec(host, ["ls", "/sys/class/net"]).split()
        has_filter = "one-7-0" in self.lab.exec(host, ["nft", "list", "ruleset"])
        return has_bridge if has_bridge == has_filter else None
