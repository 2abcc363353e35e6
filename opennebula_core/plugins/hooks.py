"""The plugins of the group ``opennebula.plugins``: loaded each on its own, so that one hurts no other."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Final

import pluggy

from opennebula_core.contracts.deprecation import deprecation_of
from opennebula_core.contracts.kinds import PLUGINS, group_of
from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.errors import PluginError
from opennebula_core.hookspecs import PROJECT, driver, manager, scheduler
from opennebula_core.plugins.complaints import patience
from opennebula_core.plugins.discovery import (
    KERNEL,
    PluginInfo,
    check_requirement,
    conflict,
    entry_points,
    import_error,
)
from opennebula_core.plugins.verification import verify_hooks

LOG = logging.getLogger(__name__)
GROUP = group_of(PLUGINS)
DECLARATIONS: Final = (driver, scheduler, manager)
"""The modules that declare the hooks."""


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """A plugin that was left out, and why."""

    info: PluginInfo
    reason: str


def _accept(_registry: ManagerRegistry, _plugin: str) -> None:
    """Find nothing wrong with what a plugin adds."""


class HookManager:
    """The hooks and who implements them.

    ``hooks.hook.opennebula_…`` are the hooks; call them with ``notify``, ``ask``, ``gather`` or ``chain`` of
    :mod:`opennebula_core.plugins`, never directly.

    :param declared: modules or objects that hold the declarations
    """

    def __init__(self, declared: Iterable[ModuleType | type] = DECLARATIONS) -> None:
        self._pluggy = pluggy.PluginManager(PROJECT)
        for declarations in declared:
            self._pluggy.add_hookspecs(declarations)
        self.plugins: dict[str, PluginInfo] = {}
        """What is loaded, built-in managers too, in the order of registration."""
        self.failures: list[PluginFailure] = []

    @property
    def hook(self) -> pluggy.HookRelay:
        """The hooks by name."""
        return self._pluggy.hook

    def register(self, info: PluginInfo, plugin: object) -> tuple[str, ...]:
        """Register a plugin whose hooks are right, and return the names of these hooks.

        :raises PluginError: they are not, or the name is taken
        """
        where = f"load {info.title}"
        names = verify_hooks(self._pluggy, plugin, where)
        if info.name in self.plugins:
            raise conflict(GROUP, info.name, [self.plugins[info.name], info])
        try:
            self._pluggy.register(plugin, info.name)
        except (pluggy.PluginValidationError, ValueError) as error:
            raise PluginError(f"{where}: {error}; upgrade {info.distribution}, or uninstall it") from error
        self.plugins[info.name] = info
        for text in self.deprecations(names):
            LOG.warning("%s: %s", info.title, text)
        return names

    def deprecations(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return a warning for each of the hooks that is deprecated."""
        found = []
        for name in names:
            declared = getattr(self.hook, name).spec
            deprecation = deprecation_of(declared.function) if declared is not None else None
            if deprecation is not None:
                found.append(deprecation.warning(name))
        return tuple(found)

    def outside(self) -> list[str]:
        """Return the names of the plugins that are of other packages."""
        return [name for name, info in self.plugins.items() if info.distribution != KERNEL]

    def reject(self, info: PluginInfo, reason: str) -> None:
        """Take a plugin out again, or leave it out, and keep the reason for ``one plugin list``."""
        if self.plugins.get(info.name) == info:
            self._pluggy.unregister(name=info.name)
            del self.plugins[info.name]
        LOG.error("plugin %s: left out: %s", info.name, reason)
        self.failures.append(PluginFailure(info, reason))

    def register_managers(
        self, registry: ManagerRegistry, check: Callable[[ManagerRegistry, str], None] = _accept
    ) -> None:
        """Let every plugin add its managers, built-in ones first; one that fails is taken out entirely.

        :param check: raises when what the plugin of that name has added cannot be used
        :raises Exception: a built-in manager failed
        """
        implementations = self.hook.opennebula_register_manager.get_hookimpls()
        order = {name: position for position, name in enumerate(self.plugins)}
        for implementation in sorted(implementations, key=lambda found: order[found.plugin_name]):
            info = self.plugins[implementation.plugin_name]
            registry.plugin = info.name
            try:
                with patience(info.title, "registering its managers", info.name):
                    implementation.function(*(registry for _ in implementation.argnames))
                check(registry, info.name)
            except Exception as error:
                if info.distribution == KERNEL:
                    raise
                registry.withdraw(info.name)
                self.reject(info, f"register the managers of {info.title}: {type(error).__name__}: {error}")


def create_hook_manager(
    internal: Iterable[tuple[str, object]] = (), disabled: Collection[str] = ()
) -> HookManager:
    """Return the hooks with all plugins that are installed, built-in ones first.

    A plugin that cannot be imported, has a misspelt hook, wants another kernel or bears a name that is taken
    is left out, logged, and kept in ``failures``; of two with one name neither is used, for which one would
    win would depend on the order of folders.

    :param internal: name and object of the built-in ones; a fault in one of them is raised
    :param disabled: names of installed plugins that are not wanted
    """
    hooks = HookManager()
    for name, plugin in internal:
        hooks.register(PluginInfo.built_in(PLUGINS, name, plugin), plugin)
    found = [entry for entry in entry_points(GROUP) if entry.name not in disabled]
    counts = Counter(entry.name for entry in found)
    for entry in found:
        info = PluginInfo.of(entry)
        try:
            if counts[entry.name] > 1:
                offers = [PluginInfo.of(other) for other in found if other.name == entry.name]
                raise conflict(GROUP, entry.name, offers)
            with patience(info.title, "importing it", info.name):
                plugin = load_plugin(entry)
            hooks.register(info, plugin)
        except PluginError as error:
            hooks.reject(info, str(error))
    return hooks


def load_plugin(entry: EntryPoint) -> object:
    """Import and return the module or object that an entry point names.

    :raises PluginError: it wants another kernel or raises on import
    """
    check_requirement(entry)
    try:
        return entry.load()
    except (Exception, SystemExit) as error:  # the border to foreign code: importing runs it
        raise import_error(PluginInfo.of(entry), error) from error
