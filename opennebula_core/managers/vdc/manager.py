"""The manager of virtual data centres, registered like any plugin's manager."""

from __future__ import annotations

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.hookspecs import impl
from opennebula_core.managers.vdc.methods import vdc_methods


class VdcManager:
    """Adds the methods of virtual data centres."""

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        """Add methods."""
        for method in vdc_methods():
            registry.add_method(method)
