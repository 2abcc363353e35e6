from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from opennebula_core.contracts.driver import DriverContext
from opennebula_core.contracts.vmm import Guest, GuestState
from opennebula_core.dummy.guests import DummyGuest, GuestFiles
from opennebula_core.dummy.vmm import DummyVmm
from opennebula_core.errors import DriverError
from opennebula_core.model.template import Vector

MakeGuest = Callable[..., Guest]


@pytest.fixture
def driver(context: Callable[..., DriverContext]) -> DummyVmm:
    return DummyVmm(context())


@pytest.fixture
def files(tmp_path: Path) -> GuestFiles:
    return GuestFiles(tmp_path)


def on(files: GuestFiles, host: str = "host01") -> list[DummyGuest]:
    return list(files.on(host))


async def test_a_deployed_guest_runs(driver: DummyVmm, guest: MakeGuest, files: GuestFiles) -> None:
    assert await driver.deploy(guest(), "<domain/>") == "one-7"

    (found,) = on(files)
    assert (found.vm_id, found.name, found.state) == (7, "web 7", GuestState.RUNNING)
    assert (found.cpu, found.memory_mib, found.disks, found.nics) == (0.5, 256, ("0",), ("0",))
    assert found.description == "<domain/>"
    assert await driver.poll(guest(deploy_id="one-7")) is GuestState.RUNNING


async def test_a_guest_that_runs_is_left_alone(driver: DummyVmm, guest: MakeGuest, files: GuestFiles) -> None:
    await driver.deploy(guest(), "first")

    assert await driver.deploy(guest(attempt=2), "second") == "one-7"

    assert [found.description for found in on(files)] == ["first"]


@pytest.mark.parametrize("action", ["shutdown", "cancel"])
async def test_an_ended_guest_is_gone_and_may_be_ended_again(
    action: str, driver: DummyVmm, guest: MakeGuest, files: GuestFiles
) -> None:
    await driver.deploy(guest(), "")

    for _ in range(2):
        await getattr(driver, action)(guest(deploy_id="one-7"))

    assert on(files) == []
    assert await driver.poll(guest(deploy_id="one-7")) is GuestState.POWEROFF


async def test_a_saved_guest_is_restored_on_another_host(
    driver: DummyVmm, guest: MakeGuest, files: GuestFiles
) -> None:
    await driver.deploy(guest(), "")

    await driver.save(guest(deploy_id="one-7"), "/ds/0/7/checkpoint")
    assert on(files) == []
    await driver.save(guest(deploy_id="one-7", attempt=2), "/ds/0/7/checkpoint")
    assert await driver.restore(guest(host="host02"), "/ds/0/7/checkpoint") == "one-7"

    assert [found.vm_id for found in on(files, "host02")] == [7]
    assert await driver.restore(guest(host="host02", attempt=2), "/ds/0/7/checkpoint") == "one-7"


async def test_what_is_not_there_cannot_be_saved_restored_or_migrated(
    driver: DummyVmm, guest: MakeGuest
) -> None:
    with pytest.raises(DriverError, match="save VM 7 on 'host01': no guest 'one-7' runs there"):
        await driver.save(guest(deploy_id="one-7"), "/x")
    with pytest.raises(DriverError, match="there is no checkpoint"):
        await driver.restore(guest(deploy_id="one-7"), "/x")
    with pytest.raises(DriverError, match="no guest 'one-7' runs there; recover the VM"):
        await driver.migrate(guest(deploy_id="one-7"), "host02")


async def test_cancel_forgets_the_checkpoint(driver: DummyVmm, guest: MakeGuest) -> None:
    await driver.deploy(guest(), "")
    await driver.save(guest(deploy_id="one-7"), "/x")

    await driver.cancel(guest(deploy_id="one-7"))

    with pytest.raises(DriverError, match="there is no checkpoint"):
        await driver.restore(guest(deploy_id="one-7"), "/x")


async def test_a_migrated_guest_is_on_one_host_only(
    driver: DummyVmm, guest: MakeGuest, files: GuestFiles
) -> None:
    await driver.deploy(guest(), "")
    before = on(files)

    await driver.migrate(guest(deploy_id="one-7"), "host02")
    await driver.migrate(guest(deploy_id="one-7", attempt=2), "host02")

    assert on(files) == []
    assert on(files, "host02") == before


async def test_disks_and_nics_come_and_go(driver: DummyVmm, guest: MakeGuest, files: GuestFiles) -> None:
    await driver.deploy(guest(), "")
    running = guest(deploy_id="one-7")

    for _ in range(2):
        await driver.attach_disk(running, Vector({"DISK_ID": "3"}), "/ds/0/7/disk.3")
        await driver.attach_nic(running, Vector({"NIC_ID": "1"}))
    assert (on(files)[0].disks, on(files)[0].nics) == (("0", "3"), ("0", "1"))

    for _ in range(2):
        await driver.detach_disk(running, Vector({"DISK_ID": "0"}))
        await driver.detach_nic(running, Vector({"NIC_ID": "0"}))
    assert (on(files)[0].disks, on(files)[0].nics) == (("3",), ("1",))


@pytest.mark.parametrize("action", ["reboot", "reset"])
async def test_only_a_running_guest_can_be_restarted(action: str, driver: DummyVmm, guest: MakeGuest) -> None:
    with pytest.raises(DriverError, match="no guest 'one-7' runs there"):
        await getattr(driver, action)(guest(deploy_id="one-7"))
    await driver.deploy(guest(), "")

    await getattr(driver, action)(guest(deploy_id="one-7"))


@pytest.mark.parametrize("host", ["../../etc", "..", ".", "", "a/b", "Host 01", "ho\x00st", "x" * 60])
async def test_no_host_name_leads_out_of_the_folder(
    host: str, driver: DummyVmm, guest: MakeGuest, files: GuestFiles, tmp_path: Path
) -> None:
    await driver.deploy(guest(host=host), "")

    assert [found.vm_id for found in on(files, host)] == [7]
    hosts = tmp_path / "var" / "dummy" / "hosts"
    assert [path.parent.parent for path in tmp_path.rglob("*.json")] == [hosts]


async def test_many_guests_deploy_fast(driver: DummyVmm, guest: MakeGuest, files: GuestFiles) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()

    for vm_id in range(1000):
        await driver.deploy(guest(vm_id, f"host{vm_id % 10}"), "")

    assert loop.time() - started < 3
    assert len(on(files, "host3")) == 100
