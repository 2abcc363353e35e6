"""The accounting manager, registered like any plugin's manager."""

from __future__ import annotations

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.db.tables import ShowbackRow
from opennebula_core.hookspecs import impl
from opennebula_core.managers.accounting.methods import accounting_methods
from opennebula_core.managers.accounting.series import series_methods


class AccountingManager:
    """Adds the table of monthly costs, and the methods of accounting, showback and measured series."""

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        """Add table and methods."""
        registry.add_tables(ShowbackRow)
        for method in (*accounting_methods(registry.core), *series_methods(registry.core)):
            registry.add_method(method)
