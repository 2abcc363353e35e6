"""The VM manager, put together and registered like any plugin's manager."""

from __future__ import annotations

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.hookspecs import impl
from opennebula_core.managers.core import Core
from opennebula_core.managers.image.work import SAVING_STEP
from opennebula_core.managers.vm.actions import VmActions
from opennebula_core.managers.vm.changes.methods import change_methods
from opennebula_core.managers.vm.changes.registry import CHANGES, vm_changes
from opennebula_core.managers.vm.effects import VmEffects
from opennebula_core.managers.vm.ending import VmEnding
from opennebula_core.managers.vm.listing import VmListing
from opennebula_core.managers.vm.methods import VmOperations, vm_methods
from opennebula_core.managers.vm.placement import VmPlacement
from opennebula_core.managers.vm.plans import VmPlans
from opennebula_core.managers.vm.recover import VmRecovery
from opennebula_core.managers.vm.runner import DriverSteps
from opennebula_core.managers.vm.short_documents import ShortDocuments
from opennebula_core.plans.executor import Executor


class VmManager:
    """Puts the VM manager's parts together and adds its methods."""

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        """Add the methods of VMs, and the executor of their plans."""
        core: Core = registry.core
        effects = VmEffects(core.vm_log, core.monitoring, CHANGES)
        core.executor = Executor(core.store, DriverSteps(core), effects)
        plans = VmPlans(core, CHANGES)
        ending = VmEnding(plans, effects)
        operations = VmOperations(
            VmActions(plans, effects, ending), VmPlacement(plans), VmRecovery(core, plans, ending, effects)
        )
        documents = ShortDocuments()
        core.store.on_commit(documents.forget)
        for method in vm_methods(core, operations, VmListing(core.monitoring, documents)):
            registry.add_method(method)
        changes = vm_changes(core, plans)
        for method in change_methods(changes):
            registry.add_method(method)
        registry.add_step_kind(SAVING_STEP, changes.disk_saves.make_image)
        registry.add_background_task("clearing of old plans", core.executor.clear_table)
