from __future__ import annotations

import os
import subprocess
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest

from opennebula_core.contracts.tm import Transfer
from opennebula_core.errors import DriverError
from opennebula_core.testing.pretend_hosts import PretendHosts
from opennebula_core.testing.sshd import wait_until
from opennebula_tm_ssh import SshTransferDriver
from opennebula_tm_ssh.migration import written_disks

MIB = 1024 * 1024

VM = """<VM><ID>7</ID><TEMPLATE>
<DISK><DISK_ID>0</DISK_ID><FORMAT>qcow2</FORMAT></DISK>
<DISK><DISK_ID>1</DISK_ID><TYPE>fs</TYPE><FORMAT>raw</FORMAT></DISK>
<DISK><DISK_ID>2</DISK_ID><TYPE>CDROM</TYPE><FORMAT>raw</FORMAT><READONLY>YES</READONLY></DISK>
<CONTEXT><DISK_ID>3</DISK_ID></CONTEXT>
</TEMPLATE></VM>"""


@pytest.fixture
def vm() -> Element:
    return fromstring(VM)


def create(path: Path, format: str, size_mib: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    argv = ["qemu-img", "create", "-q", "-f", format, str(path), f"{size_mib}M"]
    subprocess.run(argv, check=True)


def fill(folder: Path) -> None:
    create(folder / "disk.0", "qcow2", 20)
    create(folder / "disk.1", "raw", 8)
    for name in ("disk.2", "disk.3", "deployment.0", "checkpoint"):
        (folder / name).write_text(name)


def virtual_mib(path: Path, format: str) -> int:
    argv = ["qemu-img", "info", "-f", format, "--output=json", str(path)]
    answer = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return int(answer.partition('"virtual-size":')[2].partition(",")[0]) // MIB


def test_disks_that_the_guest_only_reads_are_told_apart(vm: Element) -> None:
    assert {name: disk.format for name, disk in written_disks(vm).items()} == {
        "disk.0": "qcow2",
        "disk.1": "raw",
    }


@pytest.mark.integration
async def test_the_destination_gets_empty_disks_and_copies_of_what_is_only_read(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, vm: Element
) -> None:
    fill(hosts.vm("host1"))
    await driver.premigrate("host1", "host2", hosts.at("").path, vm, transfer)
    folder = hosts.vm("host2")
    assert sorted(os.listdir(folder)) == ["deployment.0", "disk.0", "disk.1", "disk.2", "disk.3"]
    assert virtual_mib(folder / "disk.0", "qcow2") == 20
    assert virtual_mib(folder / "disk.1", "raw") == 8
    assert (folder / "disk.2").read_text() == "disk.2"
    assert (folder / "disk.3").read_text() == "disk.3"


@pytest.mark.integration
async def test_a_repetition_leaves_disks_alone_that_may_be_in_use_by_now(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, vm: Element
) -> None:
    fill(hosts.vm("host1"))
    await driver.premigrate("host1", "host2", hosts.at("").path, vm, transfer)
    disk = hosts.vm("host2", "disk.1")
    inode = disk.stat().st_ino
    with disk.open("r+b") as file:
        file.write(b"the guest wrote this")
    await driver.premigrate("host1", "host2", hosts.at("").path, vm, transfer)
    assert disk.stat().st_ino == inode
    assert disk.read_bytes().startswith(b"the guest wrote this")


@pytest.mark.integration
async def test_an_old_disk_of_another_size_is_made_anew(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, vm: Element
) -> None:
    fill(hosts.vm("host1"))
    create(hosts.vm("host2", "disk.0"), "raw", 1)
    create(hosts.vm("host2", "disk.1"), "raw", 1)
    await driver.premigrate("host1", "host2", hosts.at("").path, vm, transfer)
    assert virtual_mib(hosts.vm("host2", "disk.0"), "qcow2") == 20
    assert virtual_mib(hosts.vm("host2", "disk.1"), "raw") == 8


@pytest.mark.integration
async def test_a_disk_of_another_size_that_is_in_use_is_not_touched(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, vm: Element, tmp_path: Path
) -> None:
    fill(hosts.vm("host1"))
    disk = hosts.vm("host2", "disk.0")
    create(disk, "qcow2", 1)
    argv = ["qemu-io", "-f", "qcow2", str(disk)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as user:
        wait_until(
            lambda: subprocess.run(["qemu-img", "info", str(disk)], capture_output=True).returncode,
            "it is in use",
        )
        with pytest.raises(DriverError, match="another disk is there, and in use"):
            await driver.premigrate("host1", "host2", hosts.at("").path, vm, transfer)
        user.communicate(b"quit\n")
    assert virtual_mib(disk, "qcow2") == 1


@pytest.mark.integration
async def test_after_a_migration_only_the_destination_has_files(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, vm: Element
) -> None:
    fill(hosts.vm("host1"))
    await driver.premigrate("host1", "host2", hosts.at("").path, vm, transfer)
    for _ in range(2):
        await driver.postmigrate("host1", "host2", hosts.at("").path, vm, transfer)
    assert not hosts.vm("host1").exists()
    assert hosts.vm("host2", "disk.0").exists()


@pytest.mark.integration
async def test_after_a_failed_migration_only_the_source_has_files(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, vm: Element
) -> None:
    fill(hosts.vm("host1"))
    await driver.premigrate("host1", "host2", hosts.at("").path, vm, transfer)
    for _ in range(2):
        await driver.failmigrate("host1", "host2", hosts.at("").path, vm, transfer)
    assert not hosts.vm("host2").exists()
    assert hosts.vm("host1", "disk.0").exists()


@pytest.mark.integration
async def test_what_may_be_the_only_copy_is_not_removed(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, vm: Element
) -> None:
    fill(hosts.vm("host2"))
    with pytest.raises(DriverError, match="it may be the only copy"):
        await driver.failmigrate("host1", "host2", hosts.at("").path, vm, transfer)
    assert hosts.vm("host2", "disk.0").exists()


@pytest.mark.integration
async def test_shared_storage_is_left_alone(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, vm: Element, tmp_path: Path
) -> None:
    shared = tmp_path / "datastores" / "0" / str(hosts.vm_id)
    fill(shared)
    before = sorted(os.listdir(shared))
    await driver.premigrate("host1", "host2", str(shared), vm, transfer)
    await driver.failmigrate("host1", "host2", str(shared), vm, transfer)
    await driver.postmigrate("host1", "host2", str(shared), vm, transfer)
    assert sorted(os.listdir(shared)) == before
