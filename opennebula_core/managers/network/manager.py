"""The network manager, registered like any plugin's manager."""

from __future__ import annotations

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.hookspecs import impl
from opennebula_core.managers.network.methods import network_methods


class NetworkManager:
    """Adds the methods of virtual networks."""

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        """Add methods."""
        for method in network_methods(registry.core):
            registry.add_method(method)
