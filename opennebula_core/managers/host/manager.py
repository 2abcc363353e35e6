"""The host manager, registered like any plugin's manager."""

from __future__ import annotations

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.hookspecs import impl
from opennebula_core.managers.core import Core
from opennebula_core.managers.host.methods import host_methods
from opennebula_core.managers.host.watch import HostWatch
from opennebula_core.managers.vm.effects import VmEffects
from opennebula_core.managers.vm.monitor import VmMonitor


class HostManager:
    """Adds the methods of hosts and their monitoring."""

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        """Add methods and background work."""
        core: Core = registry.core
        watch = HostWatch(core, VmMonitor(core.monitoring, VmEffects(core.vm_log, core.monitoring)))
        core.host_watch = watch
        for method in host_methods(core, watch):
            registry.add_method(method)
        registry.add_background_task("host monitoring", watch.watch)
        registry.add_background_task("monitoring series", watch.keep_series)
