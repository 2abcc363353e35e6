"""The cluster manager, registered like any plugin's manager."""

from __future__ import annotations

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.hookspecs import impl
from opennebula_core.managers.cluster.methods import cluster_methods


class ClusterManager:
    """Adds the methods of clusters."""

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        """Add methods."""
        for method in cluster_methods():
            registry.add_method(method)
