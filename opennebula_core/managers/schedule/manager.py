"""The schedule manager, registered like any plugin's manager."""

from __future__ import annotations

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.hookspecs import impl
from opennebula_core.managers.schedule.methods import schedule_methods
from opennebula_core.managers.schedule.runner import ScheduledActions


class ScheduleManager:
    """Adds the methods of scheduled actions, and the task that carries them out."""

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        """Add methods and the background task."""
        for method in schedule_methods(registry):
            registry.add_method(method)
        registry.add_background_task("scheduled actions", ScheduledActions(registry.core, registry).run)
