"""The access manager, registered like any plugin's manager."""

from __future__ import annotations

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.hookspecs import impl
from opennebula_core.managers.access.groups import group_methods
from opennebula_core.managers.access.rules import acl_methods
from opennebula_core.managers.access.users import user_methods


class AccessManager:
    """Adds the methods of users, groups and access rules."""

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        """Add methods."""
        for method in (*user_methods(registry.core), *group_methods(), *acl_methods()):
            registry.add_method(method)
