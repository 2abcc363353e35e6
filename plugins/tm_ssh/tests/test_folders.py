from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from opennebula_core.contracts.tm import Location, Transfer
from opennebula_core.errors import DriverError
from opennebula_core.testing.pretend_hosts import NotedReport, PretendHosts
from opennebula_tm_ssh import SshTransferDriver

pytestmark = pytest.mark.integration

MIB = 1024 * 1024

ROUTES = [
    pytest.param("host1", "host2", id="between-hosts"),
    pytest.param("host1", "", id="to-the-front-end"),
    pytest.param("", "host1", id="from-the-front-end"),
]


def fill(folder: Path) -> None:
    """Make a VM's folder: two disks, one of them sparse, and saved memory."""
    folder.mkdir(parents=True)
    (folder / "disk.0").write_bytes(os.urandom(MIB))
    with (folder / "disk.1").open("wb") as file:
        file.truncate(64 * MIB)
    (folder / "checkpoint").write_bytes(os.urandom(MIB))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


@pytest.mark.parametrize(("source", "destination"), ROUTES)
async def test_a_folder_moves_and_is_gone_from_where_it_was(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, source: str, destination: str
) -> None:
    fill(hosts.vm(source))
    before = contents(hosts.vm(source))
    for name in ("disk.0", "disk.1"):
        await driver.move(hosts.at(source, name), hosts.at(destination, name), transfer)
    assert contents(hosts.vm(source)) == before, "disks move with their folder"
    await driver.move(hosts.at(source), hosts.at(destination), transfer)
    assert contents(hosts.vm(destination)) == before
    assert hosts.vm(destination, "disk.1").stat().st_blocks * 512 < MIB
    assert os.listdir(hosts.vm(source).parent) == []
    assert os.listdir(hosts.vm(destination).parent) == [str(hosts.vm_id)]


@pytest.mark.parametrize(("source", "destination"), ROUTES)
async def test_a_move_that_was_done_already_succeeds(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, source: str, destination: str
) -> None:
    fill(hosts.vm(source))
    before = contents(hosts.vm(source))
    for attempt in (1, 2):
        await driver.move(hosts.at(source), hosts.at(destination), replace(transfer, attempt=attempt))
    assert contents(hosts.vm(destination)) == before


def before_removal(hosts: PretendHosts) -> None:
    """The copy is whole, the source not yet renamed."""
    subprocess.run(["cp", "-a", str(hosts.vm("host1")), str(hosts.vm("host2"))], check=True)


def while_removing(hosts: PretendHosts) -> None:
    """The copy is whole, the source renamed and half removed."""
    before_removal(hosts)
    (hosts.vm("host2") / ".moved-from").write_text(str(hosts.at("host1")))
    gone = hosts.vm("host1").rename(hosts.vm("host1").parent / f".{hosts.vm_id}.gone-0123")
    (gone / "disk.0").unlink()


def while_copying(hosts: PretendHosts) -> None:
    """The copy is half there."""
    part = hosts.vm("host2").parent / f".{hosts.vm_id}.part-0123" / str(hosts.vm_id)
    part.mkdir(parents=True)
    (part / "disk.0").write_bytes(b"half")


def while_replacing(hosts: PretendHosts) -> None:
    """An old folder at the destination has been set aside, the copy not yet renamed."""
    while_copying(hosts)
    (hosts.vm("host2").parent / f".{hosts.vm_id}.part-0123-old").mkdir()


def with_an_old_copy(hosts: PretendHosts) -> None:
    """An earlier stay has left a folder at the destination."""
    hosts.vm("host2").mkdir(parents=True)
    (hosts.vm("host2") / "disk.0").write_bytes(b"old")
    (hosts.vm("host2") / "disk.7").write_bytes(b"old")


@pytest.mark.parametrize(
    "interrupted", [before_removal, while_removing, while_copying, while_replacing, with_an_old_copy]
)
async def test_a_move_is_finished_whenever_it_was_interrupted(
    driver: SshTransferDriver,
    hosts: PretendHosts,
    transfer: Transfer,
    interrupted: Callable[[PretendHosts], None],
) -> None:
    fill(hosts.vm("host1"))
    hosts.vm("host2").parent.mkdir(exist_ok=True)
    before = contents(hosts.vm("host1"))
    interrupted(hosts)
    await driver.move(hosts.at("host1"), hosts.at("host2"), replace(transfer, attempt=2))
    assert contents(hosts.vm("host2")) == before
    assert os.listdir(hosts.vm("host1").parent) == []
    assert os.listdir(hosts.vm("host2").parent) == [str(hosts.vm_id)]


async def test_an_old_copy_is_not_taken_for_the_moved_folder(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer
) -> None:
    fill(hosts.vm("host2"))
    with pytest.raises(DriverError, match="did not come from it"):
        await driver.move(hosts.at("host1"), hosts.at("host2"), transfer)
    assert hosts.vm("host2", "disk.0").exists()


async def test_a_marked_copy_of_an_earlier_stay_is_not_taken_for_the_moved_folder(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer
) -> None:
    """The folder was copied, the move given up, and the guest ran on until its host lost the disks."""
    fill(hosts.vm("host2"))
    (hosts.vm("host2") / ".moved-from").write_text(str(hosts.at("host1")))
    for attempt in (1, 2):
        with pytest.raises(DriverError, match="did not come from it"):
            await driver.move(hosts.at("host1"), hosts.at("host2"), replace(transfer, attempt=attempt))
    assert hosts.vm("host2", "disk.0").exists()


async def test_what_cannot_be_probed_is_not_taken_for_another_place_and_removed(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer
) -> None:
    """As a file system that takes no more files: it may be the one that the guest runs from there."""
    hosts.vm("host1").parent.mkdir(exist_ok=True)
    hosts.vm("host1").write_bytes(b"takes no files")
    with pytest.raises(DriverError, match=r"are the same: .*Not a directory"):
        await driver.postmigrate("host1", "host2", hosts.at("host1").path, Element("VM"), transfer)
    assert hosts.vm("host1").exists()


@pytest.mark.parametrize("host", ["", "host1"])
async def test_a_move_to_the_same_place_does_nothing(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, host: str
) -> None:
    fill(hosts.vm(host))
    before = contents(hosts.vm(host))
    await driver.move(hosts.at(host), hosts.at(host), transfer)
    assert contents(hosts.vm(host)) == before


@pytest.mark.parametrize("host", ["", "host1"])
async def test_a_folder_moves_on_one_machine_without_a_copy(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, report: NotedReport, host: str
) -> None:
    fill(hosts.vm(host))
    before = contents(hosts.vm(host))
    inode = hosts.vm(host, "disk.0").stat().st_ino
    there = hosts.datastores / "100" / str(hosts.vm_id)
    for attempt in (1, 2):
        await driver.move(hosts.at(host), Location(host, str(there)), replace(transfer, attempt=attempt))
    seen = hosts.folder / host / "100" / str(hosts.vm_id) if host else there
    assert contents(seen) == before
    assert (seen / "disk.0").stat().st_ino == inode
    assert report.figures == []
    assert not hosts.vm(host).exists()
    subprocess.run(["rm", "-r", str(seen.parent)], check=True)


async def test_storage_that_is_shared_is_noticed(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, tmp_path: Path
) -> None:
    shared = tmp_path / "datastores" / "0" / str(hosts.vm_id)
    fill(shared)
    before = contents(shared)
    await driver.move(Location("host1", str(shared)), Location("host2", str(shared)), transfer)
    await driver.move(Location("", str(shared)), Location("host2", str(shared)), transfer)
    assert contents(shared) == before
    assert not [name for name in os.listdir(shared) if name.startswith(".")]
