"""pyone as it comes from PyPI, against the whole core."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pyone
import pytest

from opennebula_core.config import Location
from opennebula_core.daemon import build
from opennebula_core.testing.ports import free_port

TEMPLATE = 'NAME = "web"\nCPU = "0.5"\nMEMORY = "128"\nLABELS = "a <b> & c"\n'

Ask = Callable[[Callable[[Any], object]], Any]


@pytest.fixture
async def ask(tmp_path: Path) -> AsyncIterator[Ask]:
    """Run a function of a connected pyone on a thread, as its calls block."""
    location = Location.at(tmp_path)
    location.create()
    location.auth_file.write_text("oneadmin:secret\n")
    location.config_file.write_text(f"[api]\nport = {free_port()}\n")
    daemon = await build(location, synchronous="OFF")
    await daemon.server.start()

    def run(work: Callable[[Any], object]) -> object:
        with pyone.OneServer(daemon.config.endpoint, session="oneadmin:secret") as one:
            return work(one)

    yield lambda work: asyncio.to_thread(run, work)
    await daemon.stop()


async def test_a_vm_is_allocated_held_and_looked_at(ask: Ask) -> None:
    vm_id = await ask(lambda one: one.vm.allocate(TEMPLATE, True))
    vm = await ask(lambda one: one.vm.info(vm_id))
    assert (vm_id, "web", pyone.VM_STATE.HOLD, 0) == (vm.ID, vm.NAME, vm.STATE, vm.LCM_STATE)
    assert vm.TEMPLATE["MEMORY"] == "128"
    assert vm.USER_TEMPLATE["LABELS"] == "a <b> & c"
    assert vm.PERMISSIONS.OWNER_U == 1
    pool = await ask(lambda one: one.vmpool.info(-2, -1, -1, -1))
    assert [listed.ID for listed in pool.VM] == [vm_id]


async def test_a_dictionary_is_a_template_too(ask: Ask) -> None:
    vm_id = await ask(lambda one: one.vm.allocate({"TEMPLATE": {"CPU": "1", "MEMORY": "64"}}, True))
    assert (await ask(lambda one: one.vm.info(vm_id))).TEMPLATE["CPU"] == "1"


async def test_a_template_is_made_and_instantiated(ask: Ask) -> None:
    template_id = await ask(lambda one: one.template.allocate(TEMPLATE))
    vm_id = await ask(lambda one: one.template.instantiate(template_id, "mine", True, "MEMORY = 256"))
    vm = await ask(lambda one: one.vm.info(vm_id))
    assert (vm.NAME, vm.TEMPLATE["MEMORY"]) == ("mine", "256")
    assert vm.TEMPLATE["TEMPLATE_ID"] == str(template_id)


async def test_hosts_users_and_the_rest_are_listed(ask: Ask) -> None:
    assert [user.NAME for user in (await ask(lambda one: one.userpool.info())).USER] == [
        "serveradmin",
        "oneadmin",
    ]
    assert {group.NAME for group in (await ask(lambda one: one.grouppool.info())).GROUP} == {
        "oneadmin",
        "users",
    }
    assert [cluster.ID for cluster in (await ask(lambda one: one.clusterpool.info())).CLUSTER] == [0]
    names = {datastore.NAME for datastore in (await ask(lambda one: one.datastorepool.info())).DATASTORE}
    assert names == {"system", "default", "files"}
    # Surplus parameters, as Ansible and others send them.
    assert (await ask(lambda one: one.hostpool.info(-2, -1, -1))).HOST == []


async def test_refusals_become_pyone_s_exceptions(ask: Ask) -> None:
    with pytest.raises(pyone.OneNoExistsException, match=r"Error getting virtual machine \[99\]"):
        await ask(lambda one: one.vm.info(99))
    with pytest.raises(pyone.OneInternalException, match="Parse error"):
        await ask(lambda one: one.vm.allocate("CPU = [", False))
    with pytest.raises(pyone.OneApiException):
        await ask(lambda one: one.vmpool.info(-9, -1, -1, -1))
    with pytest.raises(pyone.OneException, match="not defined"):
        await ask(lambda one: one.vm.nothing(1))
