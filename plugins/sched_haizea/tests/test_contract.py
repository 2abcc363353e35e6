from __future__ import annotations

import pytest

from opennebula_core.testing.scheduler import SchedulerContract, policy_context
from opennebula_sched_haizea import HaizeaPolicy


class TestHaizeaPolicy(SchedulerContract):
    @pytest.fixture
    def policy(self) -> HaizeaPolicy:
        return HaizeaPolicy(policy_context("haizea"))
