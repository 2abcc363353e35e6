"""The datastore manager, registered like any plugin's manager."""

from __future__ import annotations

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.hookspecs import impl
from opennebula_core.managers.core import Core
from opennebula_core.managers.datastore.methods import datastore_methods
from opennebula_core.managers.datastore.watch import DatastoreWatch


class DatastoreManager:
    """Adds the methods of datastores and their monitoring."""

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        """Add methods and background work."""
        core: Core = registry.core
        for method in datastore_methods(core):
            registry.add_method(method)
        registry.add_background_task("datastore monitoring", DatastoreWatch(core).watch)
