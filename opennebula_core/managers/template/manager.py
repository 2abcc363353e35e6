"""The template manager, registered like any plugin's manager."""

from __future__ import annotations

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.hookspecs import impl
from opennebula_core.managers.template.methods import template_methods


class TemplateManager:
    """Adds the methods of VM templates."""

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        """Add methods."""
        for method in template_methods(registry.core):
            registry.add_method(method)
