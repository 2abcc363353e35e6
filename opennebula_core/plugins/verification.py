"""What is wrong with a plugin's hooks, said before it is registered, so that only that plugin is left out."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from pluggy import PluginManager

from opennebula_core.errors import PluginError
from opennebula_core.hookspecs import PROJECT

PREFIX: Final = f"{PROJECT}_"


def verify_hooks(manager: PluginManager, plugin: object, where: str) -> tuple[str, ...]:
    """Return the names of the hooks that a plugin implements, each of which can be called as declared.

    :param where: how messages begin, with the plugin's name and package
    :raises PluginError: a hook is misspelt, takes what it is not given, is a wrapper or a coroutine function,
        or there is none at all
    """
    names = []
    for attribute, hook_name, options in _implementations(manager, plugin):
        function = getattr(plugin, attribute)
        hook = getattr(manager.hook, hook_name, None)
        if hook is None or hook.spec is None:
            if options["optionalhook"]:
                continue
            raise PluginError(f"{where}: there is no hook {hook_name!r}; {_nearest_hook(manager, hook_name)}")
        if options["wrapper"] or options["hookwrapper"]:
            raise PluginError(
                f"{where}: {hook_name} is a wrapper, and wrappers are not called; make it a plain hook"
            )
        if inspect.iscoroutinefunction(function):
            raise PluginError(
                f"{where}: {hook_name} is 'async def' and would never be awaited; make it a plain def"
            )
        _check_arguments(where, hook_name, function, hook.spec.argnames)
        names.append(hook_name)
    if not names:
        raise PluginError(f"{where}: it implements no hook; {_forgotten(manager, plugin)}")
    return tuple(names)


def hook_names(manager: PluginManager) -> list[str]:
    """Return the names of all hooks that are declared."""
    return sorted(
        name for name, hook in vars(manager.hook).items() if getattr(hook, "spec", None) is not None
    )


def _implementations(manager: PluginManager, plugin: object) -> Iterator[tuple[str, str, dict[str, object]]]:
    for attribute in dir(plugin):
        options = manager.parse_hookimpl_opts(plugin, attribute)
        if options is not None:
            yield attribute, options.get("specname") or attribute, dict(options)


def _nearest_hook(manager: PluginManager, name: str) -> str:
    known = hook_names(manager)
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"the hooks are {', '.join(known)}"


def _check_arguments(where: str, name: str, function: object, given: tuple[str, ...]) -> None:
    if not callable(function):
        raise PluginError(f"{where}: {name} is not a function; make it one")
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.KEYWORD_ONLY):
            raise PluginError(f"{where}: {name} takes {parameter}; name the arguments that it uses, plainly")
        if parameter.name not in given:
            has = f"has the arguments {', '.join(given)}" if given else "has no arguments"
            near = get_close_matches(parameter.name, given, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "take it out"
            raise PluginError(f"{where}: {name} wants {parameter.name!r} but {has}; {hint}")


def _forgotten(manager: PluginManager, plugin: object) -> str:
    if inspect.isclass(plugin):
        return "its entry point names a class; name a module or an object"
    unmarked = [name for name in dir(plugin) if name in hook_names(manager)]
    if unmarked:
        return f"mark {', '.join(unmarked)} with @opennebula_core.hookspecs.impl"
    return f"mark its functions, named like a hook, with @{PROJECT}_core.hookspecs.impl"
