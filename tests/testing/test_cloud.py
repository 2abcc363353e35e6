from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from subprocess import run

import pytest

from opennebula_core.client import Client
from opennebula_core.errors import ActionError
from opennebula_core.model.states import HostState, LcmState, VmState
from opennebula_core.testing.cloud import ADMIN, Cloud, running_cloud


async def test_a_vm_goes_through_its_life(cloud: Cloud) -> None:
    host_id = await cloud.add_host("h1", "RACK = 7")
    image_id, network_id = await cloud.add_image("base"), await cloud.add_network("net")
    vm_id = await cloud.run_vm(host_id, f"DISK=[IMAGE_ID={image_id}]\nNIC=[NETWORK_ID={network_id}]")
    assert cloud.host(host_id).running_vms == 1
    assert [lease.vm_id for lease in cloud.network(network_id).ranges[0].leases] == [vm_id]
    assert "New LCM state is RUNNING" in cloud.vm_log(vm_id)
    await cloud.act("terminate", vm_id)
    await cloud.settle(vm_id, VmState.DONE)
    assert cloud.image(image_id).running_vms == 0


async def test_drivers_fail_as_they_are_told(cloud: Cloud) -> None:
    host_id = await cloud.add_host("h1")
    cloud.behave({"vmm/DEPLOY": {"failure_rate": 1, "message": "no luck"}})
    vm_id = await cloud.add_vm()
    await cloud.call("one.vm.deploy", vm_id, host_id)
    await cloud.settle(vm_id, LcmState.BOOT_FAILURE)
    assert "no luck" in cloud.vm_log(vm_id)


async def test_the_clock_moves_when_it_is_moved(cloud: Cloud) -> None:
    first = cloud.vm(await cloud.add_vm()).stime
    cloud.clock.advance(3600)
    assert cloud.vm(await cloud.add_vm()).stime == first + 3600


async def test_a_refusal_is_the_clients_exception(cloud: Cloud) -> None:
    vm_id = await cloud.add_vm()
    with pytest.raises(ActionError, match="not available for state HOLD"):
        await cloud.act("suspend", vm_id)


async def test_what_does_not_come_true_is_told_with_the_vms_story(cloud: Cloud) -> None:
    vm_id = await cloud.add_vm()
    with pytest.raises(AssertionError, match="not in time: nothing"):
        await cloud.until(lambda: False, "nothing", limit_s=0.01)
    assert cloud.vm(vm_id).state is VmState.HOLD


async def test_a_cloud_goes_on_in_its_folder(tmp_path: Path) -> None:
    async with running_cloud(tmp_path) as cloud:
        host_id, vm_id = await cloud.add_host("h1"), await cloud.add_vm()
    async with running_cloud(tmp_path) as cloud:
        await cloud.call("one.vm.deploy", vm_id, host_id)
        await cloud.settle(vm_id, LcmState.RUNNING)
        assert cloud.host(host_id).state is HostState.MONITORED


async def test_clients_reach_it_over_http(cloud: Cloud) -> None:
    with Client(cloud.endpoint, ADMIN) as client:
        pool = await asyncio.to_thread(client.element, "one.vmpool.info", -2, -1, -1, -1)
    assert pool.tag == "VM_POOL"


def test_a_test_run_that_wants_no_cloud_does_not_import_it() -> None:
    code = "import sys, opennebula_core.testing.cloud_fixture; print('opennebula_core.daemon' in sys.modules)"
    assert run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"
