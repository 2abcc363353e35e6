from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from opennebula_core.contracts.vmm import Guest, GuestState
from opennebula_core.errors import DriverError
from opennebula_core.testing.kvmlab.guest_access import BOOT_LIMIT, guest_status, wait_for_guest
from opennebula_core.testing.kvmlab.lab import Lab, wait_until
from opennebula_vmm_kvm import KvmDriver

pytestmark = pytest.mark.integration

Boot = Callable[[], Awaitable[Guest]]
MakeDriver = Callable[..., KvmDriver]


async def test_a_deployed_guest_answers_and_powers_off(
    driver: KvmDriver, boot: Boot, lab: Lab, address: str
) -> None:
    guest = await boot()

    status = wait_for_guest(lab, address)
    assert status["vmid"] == "7"
    assert await driver.poll(guest) is GuestState.RUNNING
    assert lab.virsh("host1", "desc", "--title", "one-7") == "web <1> & 'co'"

    await driver.shutdown(guest)
    assert await driver.poll(guest) is GuestState.POWEROFF
    assert lab.virsh("host1", "list", "--all", "--name") == ""
    await driver.shutdown(guest)


async def test_a_second_deploy_leaves_the_guest_alone(boot: Boot, lab: Lab, address: str) -> None:
    first = await boot()
    boots = wait_for_guest(lab, address)["boots"]

    second = await boot()

    assert second.deploy_id == first.deploy_id == "one-7"
    assert guest_status(lab, address)["boots"] == boots


async def test_the_power_button_is_pressed_again_while_a_guest_boots(
    driver: KvmDriver, boot: Boot, lab: Lab
) -> None:
    guest = await boot()

    await driver.shutdown(guest)

    assert lab.virsh("host1", "list", "--all", "--name") == ""


async def test_a_guest_that_heeds_no_power_button_is_an_error(
    make_driver: MakeDriver, boot: Boot, lab: Lab
) -> None:
    guest = await boot()
    lab.virsh("host1", "suspend", "one-7")

    with pytest.raises(DriverError, match=r"still paused \(user\) after 1 s"):
        await make_driver(shutdown_timeout_s=1).shutdown(guest)


async def test_a_cancelled_guest_is_gone_and_may_be_cancelled_again(
    driver: KvmDriver, boot: Boot, lab: Lab
) -> None:
    guest = await boot()

    await driver.cancel(guest)
    await driver.cancel(guest)

    assert lab.virsh("host1", "list", "--all", "--name") == ""


async def test_a_domain_that_an_earlier_life_left_makes_room(
    driver: KvmDriver, boot: Boot, guest: Guest, lab: Lab, address: str
) -> None:
    description = (
        driver.describe(guest).replace("type='kvm'", "type='qemu'").replace("host-passthrough", "maximum")
    )
    lab.exec(
        "host1", ["virsh", "-q", "-c", "qemu:///system", "define", "/dev/stdin"], stdin=description.encode()
    )

    await boot()

    assert wait_for_guest(lab, address)["boots"] == "1"


async def test_a_guest_is_rebooted_and_reset(driver: KvmDriver, boot: Boot, lab: Lab, address: str) -> None:
    guest = await boot()
    wait_for_guest(lab, address)

    await driver.reset(guest)
    wait_for_boots(lab, address, "2")
    await driver.reboot(guest)
    wait_for_boots(lab, address, "3")


async def test_a_guest_that_cannot_start_says_why(
    driver: KvmDriver, boot: Boot, guest: Guest, lab: Lab
) -> None:
    lab.exec("host1", ["rm", f"{guest.directory}/disk.0"])

    with pytest.raises(DriverError, match=r"virsh create on 'host1': .*disk\.0.*No such file"):
        await boot()

    assert await driver.poll(guest) is GuestState.POWEROFF


async def test_disks_on_a_file_system_without_direct_io_go_through_the_page_cache(
    boot: Boot, guest: Guest, reported: list[str], lab: Lab
) -> None:
    folder = guest.directory
    lab.exec("host1", ["sh", "-c", 'cp -r "$0" "$0.kept" && mount -t ramfs ramfs "$0"', folder])
    try:
        lab.exec("host1", ["sh", "-c", 'cp "$0.kept"/* "$0"', folder])

        await boot()

        assert "cache='writeback'" in lab.virsh("host1", "dumpxml", "one-7")
        assert any("direct I/O" in line for line in reported)
        lab.virsh("host1", "destroy", "one-7")
    finally:
        lab.exec("host1", ["umount", "-l", folder])


async def test_an_unreachable_libvirt_is_an_error_and_no_power_off(
    make_driver: MakeDriver, guest: Guest, lab: Lab
) -> None:
    driver = make_driver(libvirt_uri="qemu+unix:///system?socket=/nonexistent")

    for action in (driver.poll, driver.cancel, driver.shutdown):
        with pytest.raises(DriverError, match="failed to connect to the hypervisor"):
            await action(guest)


async def test_an_unreachable_host_is_an_error(driver: KvmDriver, guest: Guest) -> None:
    with pytest.raises(DriverError, match="nowhere"):
        await driver.poll(replace(guest, host="nowhere"))


async def test_a_user_who_is_not_root_runs_guests(
    make_driver: MakeDriver, guest: Guest, lab: Lab, address: str
) -> None:
    for host in lab.hosts:
        lab.exec(host, ["chown", "-R", "oneadmin:", "/var/lib/one/datastores"])
    driver = make_driver(ssh_user="oneadmin")
    checkpoint = f"{guest.directory}/checkpoint"

    await driver.deploy(guest, driver.describe(guest))
    wait_for_guest(lab, address)
    await driver.save(guest, checkpoint)
    await driver.restore(guest, checkpoint)
    await driver.migrate(guest, "host2")
    there = replace(guest, host="host2")
    assert wait_for_guest(lab, address)["boots"] == "1"
    await driver.shutdown(there)

    assert lab.virsh("host2", "list", "--all", "--name") == ""


def wait_for_boots(lab: Lab, address: str, boots: str) -> None:
    """Wait until the guest has come up again so many times."""
    wait_until(
        lambda: wait_for_guest(lab, address)["boots"] == boots, f"boot {boots} of the guest", BOOT_LIMIT
    )
