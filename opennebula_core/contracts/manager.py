"""What a manager, built in or a plugin's, adds to the core: methods, tables, routes, background tasks."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from opennebula_core.contracts.method import Method, ObjectKind
from opennebula_core.errors import PluginConflictError, PluginError


@dataclass(frozen=True, slots=True)
class TableMigration:
    """One step in the history of a plugin's own tables, from ``version - 1`` to ``version``.

    :param apply: called once in a transaction of its own, before any other use of the database
    """

    version: int
    title: str
    apply: Callable[[sqlite3.Connection], None]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request to a plugin's route; ``path`` is the whole path, ``query`` the text behind ``?``."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """The answer of a plugin's route."""

    status: int = 200
    content_type: str = "text/plain; charset=utf-8"
    body: bytes = b""


RouteHandler = Callable[[HttpRequest], Awaitable[HttpResponse]]
BackgroundTask = Callable[[], Awaitable[None]]
StepHandler = Callable[[int, str, Mapping[str, Any]], Awaitable[object]]
"""Called with the VM's id, the step's action and its parameters; what it raises fails the step."""


def table_name(table: type) -> str:
    """Return the name of a table in the database, by which no two may be called.

    :raises PluginError: the class is no table
    """
    name = getattr(getattr(table, "_meta", None), "table_name", None)
    if not isinstance(name, str):
        raise PluginError(f"add table {table!r}: it is no peewee model; derive it from peewee.Model")
    return name


class ManagerRegistry:
    """Gathers what managers add. A name that is taken is refused with both owners named.

    :param core: the running core: ``store`` (``opennebula_core.db.store.Store``), ``config``, ``location``,
        ``drivers``, and ``monitoring``, whose ``of(kind, object_id).figures`` is an object's newest
        MONITORING element, escaped. It is built further down the import order, so its type stands with the
        managers (``opennebula_core.managers``); None while plugins are only listed
    """

    def __init__(self, core: Any = None) -> None:
        self.core = core
        self.plugin = ""
        """Who is registering at the moment; the core sets it."""
        self._entries: dict[tuple[str, str], tuple[str, Any]] = {}

    def add_method(self, method: Method) -> None:
        """Add a method to the API."""
        self._claim("method", method.name, method)

    def add_tables(self, *tables: type) -> None:
        """Add tables (peewee models) that are made when they are missing; change them by migrations."""
        for table in tables:
            self._claim("table", table_name(table), table)

    def add_migration(self, migration: TableMigration) -> None:
        """Add a step to the history of the plugin's own tables; each plugin counts from 1."""
        self._claim("migration", f"{self.plugin} {migration.version}", migration)

    def add_route(self, path: str, handler: RouteHandler) -> None:
        """Add an HTTP route beside ``/RPC2``; it is not authenticated, the handler decides."""
        self._claim("route", path, handler)

    def add_background_task(self, name: str, task: BackgroundTask) -> None:
        """Add a coroutine function that runs as long as the core does; one that fails is started again."""
        self._claim("background task", name, task)

    def add_object_kind(self, kind: ObjectKind, pool: type) -> None:
        """Add the pool that keeps a kind of objects which the kernel itself does not keep."""
        self._claim("object kind", kind.value, pool)

    def add_step_kind(self, name: str, handler: StepHandler) -> None:
        """Add a kind of plan step that is carried out in the core and not by a driver; it may run twice."""
        self._claim("step kind", name, handler)

    @property
    def methods(self) -> dict[str, Method]:
        """The methods by name."""
        return self._named("method")

    @property
    def tables(self) -> tuple[type, ...]:
        """The tables, in the order in which they were added."""
        return tuple(self._named("table").values())

    @property
    def migrations(self) -> dict[str, tuple[TableMigration, ...]]:
        """The migrations of each plugin that has any, in the order of their versions."""
        found: dict[str, list[TableMigration]] = {}
        for (what, _), (plugin, migration) in self._entries.items():
            if what == "migration":
                found.setdefault(plugin, []).append(migration)
        return {
            plugin: tuple(sorted(steps, key=lambda step: step.version)) for plugin, steps in found.items()
        }

    @property
    def routes(self) -> dict[str, RouteHandler]:
        """The HTTP handlers by path."""
        return self._named("route")

    @property
    def background_tasks(self) -> dict[str, BackgroundTask]:
        """The background tasks by name."""
        return self._named("background task")

    @property
    def object_kinds(self) -> dict[ObjectKind, type]:
        """The pools of further kinds of objects."""
        return {ObjectKind(name): pool for name, pool in self._named("object kind").items()}

    @property
    def step_kinds(self) -> dict[str, StepHandler]:
        """The handlers of further kinds of plan steps by name."""
        return self._named("step kind")

    def owner(self, what: str, name: str) -> str:
        """Return the plugin that added something, such as ``owner("method", "one.vm.info")``.

        :raises KeyError: nobody did
        """
        return self._entries[what, name][0]

    def withdraw(self, plugin: str) -> None:
        """Take back all that a plugin has added, after it failed half-way."""
        self._entries = {key: entry for key, entry in self._entries.items() if entry[0] != plugin}

    def _named(self, what: str) -> dict[str, Any]:
        return {name: value for (kind, name), (_, value) in self._entries.items() if kind == what}

    def _claim(self, what: str, name: str, value: object) -> None:
        if (what, name) in self._entries:
            raise PluginConflictError(
                f"register {what} {name!r} of plugin {self.plugin!r}: plugin {self.owner(what, name)!r} has "
                f"registered it already; disable one of them in [plugins] disabled"
            )
        self._entries[what, name] = (self.plugin, value)
