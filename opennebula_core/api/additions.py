"""What a plugin may add to the API, looked at before anything of it is used."""

from __future__ import annotations

from opennebula_core.api.http import OWN_PATHS
from opennebula_core.api.methods import MethodTable
from opennebula_core.contracts.manager import ManagerRegistry
from opennebula_core.errors import PluginConflictError, PluginError

OWN_METHODS = "one.system."
"""How the names of the API's own methods begin."""


def check_additions(registry: ManagerRegistry, plugin: str) -> None:
    """Make sure that methods, routes and background tasks of a plugin can be used.

    :raises PluginError: one cannot; the message says which and why
    """
    methods = [
        method for name, method in registry.methods.items() if registry.owner("method", name) == plugin
    ]
    MethodTable(methods)
    for method in methods:
        if method.name.startswith(OWN_METHODS):
            raise PluginConflictError(
                f"method {method.name!r} is the API's own; the plugin that adds it has to take another name"
            )
    for path in registry.routes:
        if registry.owner("route", path) == plugin:
            _check_path(path)
    for name, task in registry.background_tasks.items():
        if not callable(task):
            raise PluginError(f"background task {name!r} is {task!r}; it has to be an 'async def'")


def _check_path(path: str) -> None:
    if path in OWN_PATHS:
        raise PluginConflictError(
            f"route {path!r} is the API's own; the plugin that adds it has to take another path"
        )
    if not path.startswith("/"):
        raise PluginError(f"route {path!r} does not begin with '/'; correct it")
