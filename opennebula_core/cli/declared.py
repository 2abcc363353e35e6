"""What ``oned.toml`` says of plugins, held against what the installed ones are called and take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from opennebula_core.config import Config, DriverSettings, OptionValue, option_values
from opennebula_core.config.options import nearest
from opennebula_core.contracts.kinds import DRIVER_KINDS, PLUGINS, SCHEDULER, plugin_word
from opennebula_core.errors import ConfigError
from opennebula_core.plugins import PluginStatus, describe_all

Statuses = Mapping[tuple[str, str], PluginStatus]


def installed_plugins(config: Config) -> list[PluginStatus]:
    """Return what is installed; imports the plugins in processes of their own, see :func:`.describe_all`."""
    return describe_all((*DRIVER_KINDS, SCHEDULER, PLUGINS), disabled=config.plugins.disabled)


def plugin_problems(config: Config, statuses: Iterable[PluginStatus]) -> list[str]:
    """Return what is wrong with the names and options of plugins; the configuration itself is right."""
    disabled = config.plugins.disabled
    found: Statuses = {(status.info.kind, status.info.name): status for status in statuses}
    return [*_of_policies(config, found), *_of_drivers(config, found), *_of_disabled(disabled, found)]


def option_problems(config: Config, status: PluginStatus) -> list[str]:
    """Return what is wrong with the options of one plugin that loads."""
    kind, name = status.info.kind, status.info.name
    found: Statuses = {(kind, name): status}
    if kind == SCHEDULER:
        return list(
            _of_options(found, kind, name, config.scheduler.options.get(name, {}), f"scheduler.{name}")
        )
    settings = config.driver(kind, name)
    if settings.executable:  # what a program takes is its own affair
        return []
    return list(_of_options(found, kind, name, settings.options, f"drivers.{kind}.{name}.options"))


def _of_policies(config: Config, found: Statuses) -> Iterator[str]:
    policy = config.scheduler.policy
    yield from _unusable(found, SCHEDULER, policy, f"setting scheduler.policy is {policy!r}")
    for name, options in config.scheduler.options.items():
        where = f"scheduler.{name}"
        if name == policy or (SCHEDULER, name) in found:
            yield from _of_options(found, SCHEDULER, name, options, where)
        else:
            yield from _unusable(found, SCHEDULER, name, f"section [{where}]")


def _of_drivers(config: Config, found: Statuses) -> Iterator[str]:
    for kind, drivers in config.drivers.items():
        for name, settings in drivers.items():
            yield from _of_driver(found, kind, name, settings)


def _of_driver(found: Statuses, kind: str, name: str, settings: DriverSettings) -> Iterator[str]:
    where = f"drivers.{kind}.{name}"
    if settings.description:
        said = f"setting {where}.description is {settings.description!r}"
        yield from _unusable(found, "vmm", settings.description, said)
    # Any program may stand under any name, and what it takes is its own affair.
    if not settings.executable:
        yield from _unusable(found, kind, name, f"section [{where}]")
        yield from _of_options(found, kind, name, settings.options, f"{where}.options")


def _of_options(
    found: Statuses, kind: str, name: str, given: Mapping[str, OptionValue], where: str
) -> Iterator[str]:
    status = found.get((kind, name))
    if status is None or status.error:
        return
    for key, value in given.items():
        try:
            option_values(status.options, {key: value}, where)
        except ConfigError as error:
            yield str(error)


def _of_disabled(disabled: tuple[str, ...], found: Statuses) -> Iterator[str]:
    """Tell misspelt names; one of a plugin that is not installed (any more) does no harm."""
    names = [plugin_word(kind, name) for kind, name in found]
    for word in disabled:
        meant = "" if word in names else nearest(word, names)
        if meant:
            yield f"setting plugins.disabled has {word!r}: no plugin has that name; did you mean {meant!r}?"


def _unusable(found: Statuses, kind: str, name: str, said: str) -> Iterator[str]:
    """Tell when a plugin is not installed, with those that are, or when it does not load."""
    status = found.get((kind, name))
    if status is not None:
        if status.error:
            yield f"{said}: {status.error}"
        elif status.is_disabled:
            yield f"{said}: [plugins] disabled leaves it out; `one plugin enable {kind} {name}` lets it in"
        return
    names = [other for of_kind, other in found if of_kind == kind]
    what = "policy" if kind == SCHEDULER else f"{kind} driver"
    meant = nearest(name, names)
    hint = f"did you mean {meant!r}?" if meant else "install its package, or correct the name"
    yield f"{said}: no {what} of that name; installed are {', '.join(names) or 'none'}; {hint}"
