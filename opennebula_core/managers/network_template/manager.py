"""The manager of network templates, registered like any plugin's manager."""

from __future__ import annotations

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.hookspecs import impl
from opennebula_core.managers.network_template.methods import network_template_methods


class NetworkTemplateManager:
    """Adds the methods of templates of networks."""

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        """Add methods."""
        for method in network_template_methods(registry.core):
            registry.add_method(method)
