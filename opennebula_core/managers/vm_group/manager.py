"""The manager of groups of VMs, registered like any plugin's manager."""

from __future__ import annotations

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.hookspecs import impl
from opennebula_core.managers.vm_group.methods import vm_group_methods
from opennebula_core.managers.vm_group.role_methods import role_methods
from opennebula_core.managers.vm_group.vm_methods import membership_methods


class VmGroupManager:
    """Adds the methods of groups of VMs, and those that put VMs into groups."""

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        """Add methods."""
        for method in (*vm_group_methods(registry.core), *role_methods(), *membership_methods()):
            registry.add_method(method)
