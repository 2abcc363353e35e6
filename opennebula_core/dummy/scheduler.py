"""The dummy scheduler policy: the first host that has room."""

from __future__ import annotations

from opennebula_core.contracts.scheduler import SchedulerPolicy


class DummyPolicy(SchedulerPolicy):
    """Places each VM, oldest first, on the enabled host with the lowest id that has room for it."""
