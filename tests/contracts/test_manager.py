from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from types import SimpleNamespace

import pytest

from opennebula_core.contracts.manager import HttpRequest, HttpResponse, ManagerRegistry, TableMigration
from opennebula_core.contracts.method import Access, Method, Mode, ObjectKind
from opennebula_core.errors import PluginConflictError


def method(name: str) -> Method:
    return Method(name, (), Access.ANYONE, Mode.POINT, lambda snapshot, session: 0, "Return nothing.")


def nothing(connection: sqlite3.Connection) -> None:
    connection.execute("SELECT 1")


async def answer(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


async def work() -> None:
    return None


async def publish(vm_id: int, action: str, parameters: Mapping[str, object]) -> None:
    return None


class Table:
    """Stands for a peewee model, of which the registry knows only that it is a class with a table's name."""

    _meta = SimpleNamespace(table_name="table_of_mine")


def filled(registry: ManagerRegistry, plugin: str) -> None:
    registry.plugin = plugin
    registry.add_method(method("one.market.info"))
    registry.add_tables(Table)
    registry.add_migration(TableMigration(2, "index", nothing))
    registry.add_migration(TableMigration(1, "tables", nothing))
    registry.add_route("/market", answer)
    registry.add_background_task("market", work)
    registry.add_object_kind(ObjectKind.MARKETPLACE, Table)
    registry.add_step_kind("publish", publish)


def test_what_was_added_is_found_by_name() -> None:
    registry = ManagerRegistry()
    filled(registry, "market")

    assert list(registry.methods) == ["one.market.info"]
    assert registry.tables == (Table,)
    assert registry.routes == {"/market": answer}
    assert registry.background_tasks == {"market": work}
    assert registry.object_kinds == {ObjectKind.MARKETPLACE: Table}
    assert registry.step_kinds == {"publish": publish}


def test_migrations_come_in_the_order_of_their_versions_for_each_plugin() -> None:
    registry = ManagerRegistry()
    filled(registry, "market")
    registry.plugin = "audit"
    registry.add_migration(TableMigration(1, "tables", nothing))

    assert {plugin: [step.version for step in steps] for plugin, steps in registry.migrations.items()} == {
        "market": [1, 2],
        "audit": [1],
    }


def test_a_name_that_is_taken_is_refused_with_both_owners() -> None:
    registry = ManagerRegistry()
    filled(registry, "market")
    registry.plugin = "bazaar"

    with pytest.raises(PluginConflictError) as caught:
        registry.add_method(method("one.market.info"))

    assert str(caught.value) == (
        "register method 'one.market.info' of plugin 'bazaar': plugin 'market' has registered it already; "
        "disable one of them in [plugins] disabled"
    )


def test_a_name_can_be_added_only_once_even_by_its_owner() -> None:
    registry = ManagerRegistry()
    filled(registry, "market")

    with pytest.raises(PluginConflictError):
        registry.add_route("/market", answer)


def test_what_one_plugin_added_can_be_withdrawn() -> None:
    registry = ManagerRegistry()
    filled(registry, "market")
    registry.plugin = "audit"
    registry.add_route("/audit", answer)

    registry.withdraw("market")

    assert list(registry.routes) == ["/audit"]
    assert not registry.methods
    assert not registry.migrations
