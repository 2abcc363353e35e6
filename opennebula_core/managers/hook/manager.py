"""The hook manager, put together and registered like any plugin's manager."""

from __future__ import annotations

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.hookspecs import impl
from opennebula_core.managers.core import Core
from opennebula_core.managers.hook.events import HookEvents
from opennebula_core.managers.hook.methods import hook_methods
from opennebula_core.managers.hook.runner import HookRunner


class EventHookManager:
    """Adds the methods of hooks, listens to events, and runs commands."""

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        """Add methods and the background task; have changes and calls be looked at."""
        core: Core = registry.core
        runner = HookRunner(core)
        events = HookEvents(core, registry, runner.wake)
        events.load()
        core.store.before_commit(events.captured)
        core.store.on_commit(events.committed)
        core.call_recorder = events
        for method in hook_methods(core, registry, runner.wake):
            registry.add_method(method)
        registry.add_background_task("hooks", runner.run)
