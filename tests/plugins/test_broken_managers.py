"""Managers of other packages that are wrong in all ways: the core runs, and says which and why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from opennebula_core.testing.cloud import running_cloud

Install = Callable[..., str]
START = """
from opennebula_core.contracts.manager import TableMigration
from opennebula_core.contracts.method import Access, Method, Mode
from opennebula_core.hookspecs import impl
from peewee import Model, TextField

async def task(): raise RuntimeError("no more")
def handler(tx, session): return "here"
def method(name, doc="Do it.", needs=Access.ANYONE):
    return Method(name, (), needs, Mode.POINT, handler, doc)
def fail(connection): raise RuntimeError("cannot migrate")

class NAMETable(Model):
    text = TextField()
    class Meta:
        table_name = "NAME_table"

@impl
def opennebula_register_manager(registry):
    registry.add_method(method("one.NAME.there"))
"""
BROKEN = {
    "owns": ('registry.add_route("/metrics", handler)', "route '/metrics' is the API's own"),
    "path": ('registry.add_route("x", handler)', "does not begin with '/'"),
    "own_method": (
        'registry.add_method(method("one.system.version"))',
        "'one.system.version' is the API's own",
    ),
    "taken": ('registry.add_method(method("one.vm.info"))', "has registered it already"),
    "rights": ('registry.add_method(method("one.rights.x", needs=()))', "it declares no right and no access"),
    "task": ('registry.add_background_task("x", 7)', "it has to be an 'async def'"),
    "table": ("registry.add_tables(str)", "it is no peewee model"),
    "migration": (
        'registry.add_migration(TableMigration(1, "x", fail))',
        "prepare its tables: RuntimeError: cannot migrate",
    ),
    "raises": ('raise RuntimeError("not today")', "RuntimeError: not today"),
}


async def test_each_is_left_out_with_the_reason_and_the_rest_goes_on(
    tmp_path_factory: pytest.TempPathFactory, install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    for name, (line, _) in BROKEN.items():
        source = START.replace("NAME", name) + f"    {line}\n"
        install(f"acme-{name}", {"opennebula.plugins": {name: "MODULE"}}, source)
    good = START.replace("NAME", "good") + "    registry.add_tables(goodTable)\n"
    good += '    registry.add_background_task("dies", task)\n'
    install("acme-good", {"opennebula.plugins": {"good": "MODULE"}}, good)

    location: Path = tmp_path_factory.mktemp("cloud")
    async with running_cloud(location) as cloud:
        assert await cloud.call("one.good.there") == "here"
        assert set(cloud.daemon.registry.methods) & {f"one.{name}.there" for name in BROKEN} == set()
        await cloud.until(lambda: "dies (plugin good): failed; it is started again" in caplog.text, "its end")
        host_id = await cloud.add_host("host01")
        await cloud.run_vm(host_id)

    for name, (_, reason) in BROKEN.items():
        (said,) = (text for text in caplog.messages if text.startswith(f"plugin {name}: left out: "))
        assert reason in said
