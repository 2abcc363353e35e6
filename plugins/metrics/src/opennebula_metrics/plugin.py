"""What the core calls: it takes the methods, tables, route and background work from here."""

from __future__ import annotations

from opennebula_core.contracts.event import StateChange
from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.hookspecs import impl
from opennebula_metrics.methods import metrics_methods
from opennebula_metrics.scraping import PATH, Scraping
from opennebula_metrics.tables import StateChangeCount, Token
from opennebula_metrics.transitions import StateChanges


class MetricsPlugin:
    """Metrics at ``/metrics/cloud``, ``one.metrics.*``, and tokens for those who scrape."""

    def __init__(self) -> None:
        self._changes = StateChanges()

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        """Add all there is."""
        core = registry.core
        changes = self._changes = StateChanges()
        registry.add_tables(Token, StateChangeCount)
        for method in metrics_methods(core.monitoring):
            registry.add_method(method)
        registry.add_route(PATH, Scraping(core.store, core.monitoring).answer)
        registry.add_background_task("metrics", lambda: changes.keep(core.store))

    @impl
    def opennebula_state_changed(self, change: StateChange) -> None:
        """Count it."""
        self._changes.count(change)


PLUGIN = MetricsPlugin()
