from __future__ import annotations

import pytest

from opennebula_core.contracts.scheduler import Placement
from opennebula_core.dummy.scheduler import DummyPolicy
from opennebula_core.testing.scheduler import (
    SchedulerContract,
    decide,
    make_cloud,
    make_host,
    make_vm,
    policy_context,
)


class TestDummyPolicy(SchedulerContract):
    @pytest.fixture
    def policy(self) -> DummyPolicy:
        return DummyPolicy(policy_context())


def test_hosts_are_filled_in_order_of_id() -> None:
    vms = [make_vm(n, kind=1) for n in range(3)]
    hosts = [make_host(0, max_cpu_percent=200), make_host(1)]
    assert decide(DummyPolicy(policy_context()), make_cloud(vms, hosts)) == [
        Placement(0, 0),
        Placement(1, 0),
        Placement(2, 1),
    ]
