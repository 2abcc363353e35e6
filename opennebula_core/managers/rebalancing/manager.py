"""The manager of plans for clusters, registered like any plugin's manager."""

from __future__ import annotations

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.hookspecs import impl
from opennebula_core.managers.core import Core
from opennebula_core.managers.rebalancing.computing import Computations
from opennebula_core.managers.rebalancing.execution import Execution
from opennebula_core.managers.rebalancing.methods import plan_methods


class RebalancingManager:
    """Adds the methods of plans, and the tasks that compute them and carry them out."""

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        """Add methods and background tasks."""
        core: Core = registry.core
        computations, execution = Computations(core), Execution(core, registry)
        core.store.on_commit(execution.committed)
        for method in plan_methods(computations.wake, execution.wake):
            registry.add_method(method)
        registry.add_background_task("computing of plans", computations.run)
        registry.add_background_task("plans of clusters", execution.run)
