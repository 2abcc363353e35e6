"""What is attached, grown or resized keeps to quotas at once, and comes back when it fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from opennebula_core.errors import AuthorizationError
from opennebula_core.model.states import LcmState
from opennebula_core.testing.cloud import running_cloud
from tests.managers.access.test_quotas import ALICE, Town


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running_cloud(tmp_path) as cloud:
        town = Town(cloud)
        await town.build()
        yield town
        assert town.problems() == []


async def running_vm(town: Town, template: str = "") -> int:
    vm_id = await town.vm(f"MEMORY_MAX=1024\n{template}")
    await town.cloud.call("one.vm.deploy", vm_id, await town.cloud.add_host("h1"))
    await town.cloud.settle(vm_id, LcmState.RUNNING)
    return vm_id


async def test_attached_disks_and_nics_keep_to_the_limits(town: Town) -> None:
    vm_id = await running_vm(town)
    await town.limit(f"VM=[SYSTEM_DISK_SIZE=10]\nNETWORK=[ID={town.network_id},LEASES=1]")
    nic, disk = f"NIC=[NETWORK_ID={town.network_id}]", "DISK=[TYPE=fs,SIZE={}]"

    with pytest.raises(AuthorizationError, match="limit of 10 reached for SYSTEM_DISK_SIZE quota in VM"):
        await town.cloud.call("one.vm.attach", vm_id, disk.format(11), session=ALICE)
    assert town.cloud.vm(vm_id).template.vectors("DISK") == []
    await town.cloud.call("one.vm.attach", vm_id, disk.format(10), session=ALICE)
    assert (await town.vms_used())[6] == "10"
    await town.cloud.settle(vm_id, LcmState.RUNNING)
    await town.cloud.call("one.vm.attachnic", vm_id, nic, session=ALICE)
    await town.cloud.settle(vm_id, LcmState.RUNNING)
    with pytest.raises(AuthorizationError, match="limit of 1 reached for LEASES quota in NETWORK"):
        await town.cloud.call("one.vm.attachnic", vm_id, nic, session=ALICE)

    await town.cloud.call("one.vm.detach", vm_id, 0, session=ALICE)
    await town.cloud.settle(vm_id, LcmState.RUNNING)
    await town.cloud.call("one.vm.detachnic", vm_id, 0, session=ALICE)
    await town.cloud.settle(vm_id, LcmState.RUNNING)
    assert (await town.vms_used())[6] == "0"
    assert await town.used("NETWORK_QUOTA/NETWORK/LEASES_USED") == "0"


async def test_what_could_not_be_attached_comes_back(town: Town) -> None:
    vm_id = await running_vm(town)
    town.cloud.behave({"vmm/ATTACHDISK": {"failure_rate": 1.0}})
    await town.cloud.call("one.vm.attach", vm_id, "DISK=[TYPE=fs,SIZE=10]", session=ALICE)
    assert (await town.vms_used())[6] == "10"
    await town.cloud.settle(vm_id, LcmState.RUNNING)
    assert (await town.vms_used())[6] == "0"


async def test_a_vm_is_resized_and_a_disk_grown_within_the_limits(town: Town) -> None:
    vm_id = await running_vm(town, "DISK=[TYPE=fs,SIZE=10]")
    await town.limit("VM=[RUNNING_MEMORY=100,SYSTEM_DISK_SIZE=20]")

    with pytest.raises(AuthorizationError, match="limit of 100 reached for RUNNING_MEMORY quota in VM"):
        await town.cloud.call("one.vm.resize", vm_id, "MEMORY=101", True, session=ALICE)
    assert town.cloud.vm(vm_id).memory_mib == 64
    await town.cloud.call("one.vm.resize", vm_id, "MEMORY=100", True, session=ALICE)
    await town.cloud.settle(vm_id, LcmState.RUNNING)
    with pytest.raises(AuthorizationError, match="limit of 20 reached for SYSTEM_DISK_SIZE quota"):
        await town.cloud.call("one.vm.diskresize", vm_id, 0, "21", session=ALICE)
    await town.cloud.call("one.vm.diskresize", vm_id, 0, "20", session=ALICE)
    await town.cloud.settle(vm_id, LcmState.RUNNING)

    assert (await town.vms_used())[4:] == ["100", "100", "20"]
