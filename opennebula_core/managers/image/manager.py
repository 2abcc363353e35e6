"""The image manager, registered like any plugin's manager."""

from __future__ import annotations

from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.hookspecs import impl
from opennebula_core.managers.core import Core
from opennebula_core.managers.image.methods import image_methods
from opennebula_core.managers.image.work import ImageWork
from opennebula_core.managers.vm.effects import VmEffects


class ImageManager:
    """Adds the methods of images, and goes on with what a crash interrupted."""

    @impl
    def opennebula_register_manager(self, registry: ManagerRegistry) -> None:
        """Add methods and background work."""
        core: Core = registry.core
        work = ImageWork(core, VmEffects(core.vm_log, core.monitoring))
        for method in image_methods(core, work):
            registry.add_method(method)
        core.on_start.append(work.resume_all)
