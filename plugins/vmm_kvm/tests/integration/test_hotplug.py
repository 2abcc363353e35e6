from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from opennebula_core.contracts.vmm import Guest
from opennebula_core.errors import DriverError
from opennebula_core.model.template import Vector
from opennebula_core.testing.kvmlab.guest_access import guest_status, wait_for_guest
from opennebula_core.testing.kvmlab.lab import Lab, wait_until
from opennebula_vmm_kvm import KvmDriver

pytestmark = pytest.mark.integration

Boot = Callable[[], Awaitable[Guest]]
LIMIT = timedelta(seconds=30)


async def test_a_disk_is_plugged_in_and_out(driver: KvmDriver, boot: Boot, lab: Lab, address: str) -> None:
    guest = await boot()
    wait_for_guest(lab, address)
    disk = Vector({"DISK_ID": "2", "TARGET": "vdb", "DRIVER": "raw"})
    path = f"{guest.directory}/disk.2"
    lab.exec("host1", ["truncate", "-s", "16M", path])

    await driver.attach_disk(guest, disk, path)
    await driver.attach_disk(guest, disk, path)
    wait_until(lambda: guest_status(lab, address).get("disk_vdb") == str(16 << 20), "the disk", LIMIT)

    await driver.detach_disk(guest, disk)
    await driver.detach_disk(guest, disk)
    assert "disk_vdb" not in guest_status(lab, address)


async def test_a_nic_is_plugged_in_and_out(driver: KvmDriver, boot: Boot, lab: Lab, address: str) -> None:
    guest = await boot()
    wait_for_guest(lab, address)
    nic = Vector({"NIC_ID": "1", "BRIDGE": "br0", "MAC": "02:00:0A:4D:00:66"})

    await driver.attach_nic(guest, nic)
    await driver.attach_nic(guest, nic)
    wait_until(lambda: "nic_eth1" in guest_status(lab, address), "the NIC", LIMIT)

    await driver.detach_nic(guest, nic)
    await driver.detach_nic(guest, nic)
    assert "nic_eth1" not in guest_status(lab, address)


async def test_a_disk_that_is_not_there_cannot_be_plugged_in(driver: KvmDriver, boot: Boot) -> None:
    guest = await boot()

    with pytest.raises(DriverError, match="virsh attach-device on 'host1'"):
        await driver.attach_disk(guest, Vector({"DISK_ID": "2", "TARGET": "vdb"}), "/nonexistent/disk.2")
