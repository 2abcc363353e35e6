"""Snapshots of persistent disks, on their way from beside the image to a host and back."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from opennebula_core.contracts.tm import Location, Transfer
from opennebula_core.errors import DriverError
from opennebula_core.testing.pretend_hosts import PretendHosts
from opennebula_tm_ssh import SshTransferDriver

pytestmark = pytest.mark.integration


def image_of(hosts: PretendHosts) -> Location:
    hosts.image("abc").write_bytes(b"now")
    return Location("", str(hosts.image("abc")))


def listed(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("host", ["", "host1"])
async def test_they_come_with_the_disk_and_go_back_with_it(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, host: str
) -> None:
    image, disk, raw = image_of(hosts), hosts.at(host, "disk.0"), replace(transfer, format="raw")
    beside, on_host = hosts.image("abc.snap"), hosts.vm(host, "disk.0.snap")
    beside.mkdir()
    (beside / "0").write_bytes(b"then")
    for attempt in (1, 2):
        await driver.link(image, disk, replace(raw, attempt=attempt))
    assert listed(on_host) == {"0": b"then"}
    await driver.snap_create(disk, 1, raw)
    await driver.snap_delete(disk, 0, raw)
    (on_host / ".2.part-0123").mkdir()  # an attempt to make one was interrupted
    for attempt in (1, 2):
        await driver.move_back(disk, image, replace(raw, attempt=attempt))
    assert listed(beside) == {"1": b"now"}

    await driver.delete(disk, raw)
    assert os.listdir(hosts.vm(host)) == []
    await driver.move_back(disk, image, replace(raw, attempt=2))
    assert listed(beside) == {"1": b"now"}


async def test_an_image_keeps_none_that_the_disk_has_no_more(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer
) -> None:
    image, disk = image_of(hosts), hosts.at("host1", "disk.0")
    await driver.link(image, disk, transfer)
    hosts.image("abc.snap").mkdir()
    await driver.move_back(disk, image, transfer)
    assert not hosts.image("abc.snap").exists()


@pytest.mark.parametrize("what", ["a file", "a folder", "a link", "a backing file"])
async def test_what_a_host_has_put_among_them_does_not_come_into_the_datastore(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, what: str
) -> None:
    image, disk = image_of(hosts), hosts.at("host1", "disk.0")
    await driver.link(image, disk, transfer)
    folder = hosts.vm("host1", "disk.0.snap")
    folder.mkdir()
    (folder / "0").write_bytes(b"then")
    if what == "a file":
        (folder / "7x").touch()
    elif what == "a folder":
        (folder / "7").mkdir()
    elif what == "a link":
        (folder / "7").symlink_to("0")
    else:
        argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw"]
        subprocess.run([*argv, str(folder / "7"), "1M"], check=True)
    with pytest.raises(DriverError, match=r"it has a backing file|which is no snapshot"):
        await driver.move_back(disk, image, transfer)
    assert os.listdir(hosts.image("abc").parent) == ["abc"]


async def test_a_live_migration_takes_them_along(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer
) -> None:
    image, disk = image_of(hosts), hosts.at("host1", "disk.0")
    await driver.link(image, disk, transfer)
    await driver.snap_create(disk, 0, transfer)
    vm = fromstring("<VM><TEMPLATE><DISK><DISK_ID>0</DISK_ID></DISK></TEMPLATE></VM>")
    await driver.premigrate("host1", "host2", hosts.at("").path, vm, transfer)
    await driver.postmigrate("host1", "host2", hosts.at("").path, vm, transfer)
    assert listed(hosts.vm("host2", "disk.0.snap")) == {"0": b"now"}
