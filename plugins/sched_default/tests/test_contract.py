from __future__ import annotations

import pytest

from opennebula_core.testing.scheduler import SchedulerContract, policy_context
from opennebula_sched_default import DefaultPolicy


class TestDefaultPolicy(SchedulerContract):
    @pytest.fixture
    def policy(self) -> DefaultPolicy:
        return DefaultPolicy(policy_context("default"))
