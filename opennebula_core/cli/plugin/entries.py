"""What ``one plugin`` knows of an extension: what is installed, whether it works, and who needs it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from opennebula_core.cli.application import Application
from opennebula_core.cli.dependents import Dependents, objects_of
from opennebula_core.config import Config
from opennebula_core.contracts.kinds import DRIVER_KINDS, PLUGIN_KINDS, PLUGINS, SCHEDULER, group_of
from opennebula_core.errors import DriverNotFoundError, OpenNebulaError
from opennebula_core.plugins import PluginInfo, PluginStatus, describe_all
from opennebula_core.plugins.description import option_fields


class State(StrEnum):
    """How an extension stands; the value is what listings show."""

    IN_USE = "in use"
    ENABLED = "enabled"
    DISABLED = "disabled"
    BROKEN = "broken"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Entry:
    """An extension that is installed, or that something needs.

    :param users: who needs it, by noun, see :meth:`.Dependents.of`
    :param summary: the same in numbers
    """

    status: PluginStatus
    state: State
    users: dict[str, list[str]]
    summary: str

    @property
    def info(self) -> PluginInfo:
        """What its package's metadata says."""
        return self.status.info

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        info = self.info
        return {
            "kind": info.kind,
            "name": info.name,
            "distribution": info.distribution,
            "version": info.version,
            "api": info.api,
            "target": info.target,
            "state": self.state.value,
            "actions": list(self.status.actions),
            "options": [option_fields(option) for option in self.status.options],
            "used_by": self.users,
            "disabled": self.status.is_disabled,
            "warnings": list(self.status.warnings),
            "error": self.status.error,
        }


@dataclass(frozen=True, slots=True)
class Inventory:
    """All of a cloud's extensions.

    :param problem: why it is not known what objects depend on them, empty when it is
    """

    entries: list[Entry]
    dependents: Dependents
    problem: str


def take_inventory(application: Application, config: Config, kinds: Collection[str] = ()) -> Inventory:
    """Return everything of the kinds that is installed or needed; none named: of all kinds.

    Works without a running cloud, but then not all that depends on a driver is known.
    """
    wanted = kinds or PLUGIN_KINDS
    dependents = Dependents()
    dependents.note_settings(config)
    problem = ""
    if drivers := {*wanted} & {*DRIVER_KINDS}:
        try:
            dependents.note(objects_of(application.client, drivers))
        except OpenNebulaError as error:
            problem = str(error)
    statuses = describe_all(wanted, disabled=config.plugins.disabled)
    entries = [_entry(status, dependents) for status in statuses]
    entries += _missing(config, statuses, dependents, wanted)
    return Inventory(entries, dependents, problem)


def _entry(status: PluginStatus, dependents: Dependents) -> Entry:
    kind, name = status.info.kind, status.info.name
    users = dependents.of(kind, name)
    if status.is_disabled:
        state = State.DISABLED
    elif status.error:
        state = State.BROKEN
    else:
        # Every core loads all plugins with hooks: one that loads is at work.
        state = State.IN_USE if users or kind == PLUGINS else State.ENABLED
    return Entry(status, state, users, dependents.text(kind, name))


def _missing(
    config: Config, statuses: Collection[PluginStatus], dependents: Dependents, kinds: Collection[str]
) -> list[Entry]:
    there = {(status.info.kind, status.info.name) for status in statuses}
    found = []
    for kind, name in sorted(set(dependents.names()) - there):
        if kind not in kinds or (kind != SCHEDULER and config.driver(kind, name).executable):
            continue
        known = [other for of_kind, other in there if of_kind == kind]
        error = str(DriverNotFoundError(group_of(kind), name, known))
        status = PluginStatus(PluginInfo(kind, name, "-", "-", "-", "-"), error=error)
        found.append(Entry(status, State.MISSING, dependents.of(kind, name), dependents.text(kind, name)))
    return found
