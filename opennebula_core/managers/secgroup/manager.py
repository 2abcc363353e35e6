"""The security group manager, registered like any plugin's manager."""

from __future__ import annotations

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.hookspecs import impl
from opennebula_core.managers.secgroup.methods import security_group_methods
from opennebula_core.managers.secgroup.updates import GroupUpdates


class SecurityGroupManager:
    """Adds the methods of security groups, and the task that brings rules to VMs."""

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        """Add methods and the background task."""
        updates = GroupUpdates(registry.core)
        for method in security_group_methods(registry.core, updates):
            registry.add_method(method)
        registry.add_background_task("rules of security groups", updates.run)
