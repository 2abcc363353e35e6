"""The simplest scheduler there is."""

from __future__ import annotations

from opennebula_core.contracts.scheduler import SchedulerPolicy


class DummyPolicy(SchedulerPolicy):
    """Puts each VM, oldest first, on the first enabled host that has room: every step's default."""
