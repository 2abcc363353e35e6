from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from opennebula_core.contracts.vmm import Guest, GuestState
from opennebula_core.errors import DriverError
from opennebula_core.testing.kvmlab.guest_access import wait_for_guest
from opennebula_core.testing.kvmlab.lab import Lab
from opennebula_vmm_kvm import KvmDriver

pytestmark = pytest.mark.integration

Boot = Callable[[], Awaitable[Guest]]


@pytest.fixture
def checkpoint(guest: Guest) -> str:
    return f"{guest.directory}/checkpoint"


async def test_a_saved_guest_goes_on_where_it_was(
    driver: KvmDriver, boot: Boot, checkpoint: str, lab: Lab, address: str
) -> None:
    guest = await boot()
    before = wait_for_guest(lab, address)

    await driver.save(guest, checkpoint)
    assert await driver.poll(guest) is GuestState.POWEROFF
    assert files(lab, guest) == ["checkpoint", "disk.0", "disk.1"]
    assert await driver.restore(guest, checkpoint) == "one-7"

    after = wait_for_guest(lab, address)
    assert after["boots"] == before["boots"]
    assert float(after["uptime"]) > float(before["uptime"])
    assert files(lab, guest) == ["disk.0", "disk.1"]


async def test_saving_and_restoring_again_change_nothing(
    driver: KvmDriver, boot: Boot, checkpoint: str, lab: Lab, address: str
) -> None:
    guest = await boot()
    wait_for_guest(lab, address)

    await driver.save(guest, checkpoint)
    await driver.save(guest, checkpoint)
    await driver.restore(guest, checkpoint)
    await driver.restore(guest, checkpoint)

    assert wait_for_guest(lab, address)["boots"] == "1"
    for _ in range(2):
        await driver.freeze(guest)
    assert await driver.poll(guest) is GuestState.SUSPENDED
    for _ in range(2):
        await driver.thaw(guest)
    assert await driver.poll(guest) is GuestState.RUNNING
    await driver.freeze(guest)
    await driver.restore(guest, checkpoint)  # the driver that held it still has died
    assert wait_for_guest(lab, address)["boots"] == "1"


@pytest.mark.parametrize("delay_s", [0.05, 0.2])
async def test_a_save_that_lost_its_virsh_is_finished_by_the_next(
    driver: KvmDriver, boot: Boot, checkpoint: str, lab: Lab, address: str, delay_s: float
) -> None:
    guest = await boot()
    before = wait_for_guest(lab, address)
    await interrupt(driver.save(guest, checkpoint), lab, ["virsh"], delay_s)

    await driver.save(guest, checkpoint)
    assert files(lab, guest) == ["checkpoint", "disk.0", "disk.1"]
    await interrupt(driver.restore(guest, checkpoint), lab, ["virsh"], delay_s)
    await driver.restore(guest, checkpoint)

    after = wait_for_guest(lab, address)
    assert after["boots"] == before["boots"]
    assert float(after["uptime"]) > float(before["uptime"])


async def test_a_guest_that_is_gone_without_its_memory_is_not_saved(
    driver: KvmDriver, boot: Boot, checkpoint: str, lab: Lab
) -> None:
    guest = await boot()
    await driver.cancel(guest)
    lab.exec("host1", ["sh", "-c", 'echo LibvirtQemudPart >"$0.part"', checkpoint])

    with pytest.raises(DriverError, match="its memory is not in"):
        await driver.save(guest, checkpoint)


async def test_memory_of_an_earlier_life_goes_with_a_fresh_start(
    boot: Boot, checkpoint: str, lab: Lab
) -> None:
    lab.exec("host1", ["touch", checkpoint])

    guest = await boot()

    assert files(lab, guest) == ["disk.0", "disk.1"]


async def interrupt(action: Awaitable[object], lab: Lab, programs: Sequence[str], delay_s: float) -> None:
    """Kill programs on host1 in the middle of an action, which may fail or have succeeded before."""
    task = asyncio.ensure_future(action)
    await asyncio.wait([task], timeout=delay_s)
    for program in programs:
        lab.faults.kill("host1", program)
    await asyncio.wait([task])
    if not task.cancelled() and task.exception():
        assert isinstance(task.exception(), DriverError)


def files(lab: Lab, guest: Guest) -> list[str]:
    return lab.exec("host1", ["ls", guest.directory]).split()
