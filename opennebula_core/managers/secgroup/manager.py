"""The security group manager, registered like any plugin's manager."""

from __future__ import annotations

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.hookspecs import impl
from opennebula_core.managers.secgroup.methods import security_group_methods


class SecurityGroupManager:
    """Adds the methods of security groups."""

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        """Add methods."""
        for method in security_group_methods(registry.core):
            registry.add_method(method)
