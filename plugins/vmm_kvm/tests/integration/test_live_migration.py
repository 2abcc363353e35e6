from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from opennebula_core.contracts.vmm import Guest
from opennebula_core.errors import DriverError
from opennebula_core.testing.kvmlab.faults import SSHD
from opennebula_core.testing.kvmlab.guest_access import run_in_guest, wait_for_guest
from opennebula_core.testing.kvmlab.lab import Lab
from opennebula_vmm_kvm import KvmDriver

pytestmark = pytest.mark.integration

Boot = Callable[[], Awaitable[Guest]]
MakeDriver = Callable[..., KvmDriver]
DESTINATION = "qemu+ssh://host2/system"
SLOWLY = "--bandwidth 3"
"""MiB/s: the guest's disk alone takes ten seconds."""


def guests(lab: Lab) -> list[list[str]]:
    """Return the names of the domains on each host."""
    return [lab.virsh(host, "list", "--all", "--name").split() for host in lab.hosts]


async def test_a_guest_moves_with_its_disk_and_keeps_its_uptime(
    driver: KvmDriver, boot: Boot, lab: Lab, address: str
) -> None:
    guest = await boot()
    before = wait_for_guest(lab, address)
    run_in_guest(lab, address, "echo moved >/data/note; sync")

    await driver.migrate(guest, "host2")
    await driver.migrate(guest, "host2")

    assert guests(lab) == [[], ["one-7"]]
    after = wait_for_guest(lab, address)
    assert after["boots"] == before["boots"]
    assert float(after["uptime"]) > float(before["uptime"])
    assert run_in_guest(lab, address, "cat /data/note").strip() == "moved"
    await driver.reset(replace(guest, host="host2"))
    assert run_in_guest_after_boot(lab, address, "cat /data/note") == "moved"


@pytest.mark.parametrize("delay_s", [0.7, 1.1, 1.3])
async def test_a_migration_that_lost_its_virsh_leaves_one_guest_and_may_be_repeated(
    driver: KvmDriver, boot: Boot, lab: Lab, address: str, delay_s: float
) -> None:
    guest = await boot()
    before = wait_for_guest(lab, address)
    task = asyncio.create_task(driver.migrate(guest, "host2"))
    await asyncio.wait([task], timeout=delay_s)
    lab.faults.kill("host1", "virsh")
    with suppress(DriverError):
        await task
    assert sorted(guests(lab)) == [[], ["one-7"]]

    await driver.migrate(guest, "host2")

    assert guests(lab) == [[], ["one-7"]]
    after = wait_for_guest(lab, address)
    assert after["boots"] == before["boots"]
    assert float(after["uptime"]) > float(before["uptime"])


async def test_a_migration_that_another_process_began_is_waited_for(
    driver: KvmDriver, boot: Boot, lab: Lab, address: str
) -> None:
    guest = await boot()
    before = wait_for_guest(lab, address)
    words = ["migrate", "--live", "--copy-storage-all", "--bandwidth", "25", "one-7", DESTINATION]
    with lab.popen("host1", ["virsh", "-q", "-c", "qemu:///system", *words]) as other:
        while "None" in lab.virsh("host1", "domjobinfo", "one-7"):
            await asyncio.sleep(0.05)

        await driver.migrate(guest, "host2")

        other.communicate()
        assert other.returncode == 0
    assert guests(lab) == [[], ["one-7"]]
    assert float(wait_for_guest(lab, address)["uptime"]) > float(before["uptime"])


async def test_a_cancelled_migration_leaves_the_guest_where_it_was(
    make_driver: MakeDriver, driver: KvmDriver, boot: Boot, lab: Lab, address: str
) -> None:
    guest = await boot()
    wait_for_guest(lab, address)
    task = asyncio.create_task(make_driver(migration_flags=SLOWLY).migrate(guest, "host2"))
    while "None" in lab.virsh("host1", "domjobinfo", "one-7"):
        await asyncio.sleep(0.05)

    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    while lab.virsh("host2", "list", "--all", "--name"):
        await asyncio.sleep(0.1)

    assert lab.virsh("host1", "domstate", "one-7") == "running"
    assert wait_for_guest(lab, address)["boots"] == "1"


async def test_a_migration_whose_destination_dies_leaves_the_guest_where_it_was(
    make_driver: MakeDriver, boot: Boot, lab: Lab, address: str
) -> None:
    guest = await boot()
    wait_for_guest(lab, address)
    task = asyncio.create_task(make_driver(migration_flags=SLOWLY).migrate(guest, "host2"))
    while "None" in lab.virsh("host1", "domjobinfo", "one-7"):
        await asyncio.sleep(0.05)

    while not lab.faults.kill("host2", "qemu-system-x86_64"):
        await asyncio.sleep(0.1)
    with pytest.raises(DriverError, match="virsh migrate on 'host1'"):
        await task

    assert lab.virsh("host1", "domstate", "one-7") == "running"
    assert wait_for_guest(lab, address)["boots"] == "1"


async def test_a_guest_has_moved_even_if_the_source_hangs_meanwhile(
    make_driver: MakeDriver, boot: Boot, lab: Lab, address: str
) -> None:
    guest = await boot()
    before = wait_for_guest(lab, address)
    driver = make_driver(migration_flags="--bandwidth 25", connect_timeout_s=2)
    task = asyncio.create_task(driver.migrate(guest, "host2"))
    while "None" in lab.virsh("host1", "domjobinfo", "one-7"):
        await asyncio.sleep(0.05)

    lab.hang_ssh("host1")
    end_sessions(lab, "host1")
    while "running" not in lab.exec("host2", ["virsh", "-q", "-c", "qemu:///system", "list"]):
        assert not task.done()
        await asyncio.sleep(0.2)
    await task

    assert float(wait_for_guest(lab, address)["uptime"]) > float(before["uptime"])
    lab.resume_ssh("host1")
    assert guests(lab) == [[], ["one-7"]]


async def test_a_guest_that_is_nowhere_cannot_be_moved(driver: KvmDriver, guest: Guest) -> None:
    with pytest.raises(DriverError, match="not there on 'host1' and not there on 'host2'"):
        await driver.migrate(guest, "host2")


@pytest.mark.parametrize("destination", ["-oProxyCommand=x", "host2/system;x", ""])
async def test_a_destination_that_is_no_host_name_is_refused(
    driver: KvmDriver, guest: Guest, destination: str
) -> None:
    with pytest.raises(DriverError, match="is no host name"):
        await driver.migrate(guest, destination)


def run_in_guest_after_boot(lab: Lab, address: str, script: str) -> str:
    """Wait for the next boot of the guest and run a script there."""
    while wait_for_guest(lab, address)["boots"] != "2":
        continue
    return run_in_guest(lab, address, script).strip()


def end_sessions(lab: Lab, host: str) -> None:
    """Cut the ssh sessions that a host serves; its listening sshd stays as it is."""
    for process in lab.faults.processes(host, *SSHD):
        command = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        if b"-D" not in command:
            process.send(signal.SIGKILL)
