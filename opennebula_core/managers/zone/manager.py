"""The zone manager, registered like any plugin's manager."""

from __future__ import annotations

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.hookspecs import impl
from opennebula_core.managers.zone.methods import zone_methods


class ZoneManager:
    """Adds the methods of zones."""

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        """Add methods."""
        for method in zone_methods(registry.core):
            registry.add_method(method)
