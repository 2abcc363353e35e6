from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from opennebula_core.contracts.driver import DriverContext
from opennebula_core.contracts.tm import Location, Transfer
from opennebula_core.errors import DriverError
from opennebula_core.testing.pretend_hosts import NotedReport, PretendHosts
from opennebula_core.testing.sshd import wait_until
from opennebula_tm_ssh import SshTransferDriver

pytestmark = pytest.mark.integration

MIB = 1024 * 1024


def make_sparse(path: Path, size_mib: int = 64) -> bytes:
    """Write a sparse file with 2 MiB of data in it and return those."""
    data = os.urandom(MIB)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size_mib * MIB)
        for offset in (0, (size_mib - 1) * MIB):
            file.seek(offset)
            file.write(data)
    return data


def allocated(path: Path) -> int:
    return path.stat().st_blocks * 512


def virtual_mib(path: Path, format: str) -> int:
    argv = ["qemu-img", "info", "-f", format, "--output=json", str(path)]
    answer = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return int(answer.partition('"virtual-size":')[2].partition(",")[0]) // MIB


# -- clone and link ----------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["", "host1"])
@pytest.mark.parametrize("verb", ["clone", "link"])
async def test_a_copied_image_is_whole_sparse_and_alone(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, host: str, verb: str
) -> None:
    make_sparse(hosts.image("abc"))
    copy = getattr(driver, verb)
    await copy(Location("", str(hosts.image("abc"))), hosts.at(host, "disk.0"), transfer)
    disk = hosts.vm(host, "disk.0")
    assert disk.read_bytes() == hosts.image("abc").read_bytes()
    assert allocated(disk) < 4 * MIB
    assert os.listdir(hosts.vm(host)) == ["disk.0"]


async def test_a_clone_reports_its_progress(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, report: NotedReport
) -> None:
    hosts.image("abc").write_bytes(os.urandom(16 * MIB))
    await driver.clone(Location("", str(hosts.image("abc"))), hosts.at("host1", "disk.0"), transfer)
    assert report.figures[-1] == (16 * MIB, 16 * MIB)


@pytest.mark.parametrize("format", ["raw", "qcow2"])
@pytest.mark.parametrize(("wanted_mib", "grown_mib"), [(0, 64), (32, 64), (64, 64), (80, 80)])
async def test_a_clone_grows_when_more_is_wanted_and_never_shrinks(
    driver: SshTransferDriver,
    hosts: PretendHosts,
    transfer: Transfer,
    format: str,
    wanted_mib: int,
    grown_mib: int,
) -> None:
    image = hosts.image("abc")
    argv = ["qemu-img", "create", "-q", "-f", format, str(image), "64M"]
    subprocess.run(argv, check=True)
    transfer = replace(transfer, size_mib=wanted_mib, format=format)
    await driver.clone(Location("", str(image)), hosts.at("host1", "disk.0"), transfer)
    assert virtual_mib(hosts.vm("host1", "disk.0"), format) == grown_mib


async def test_a_clone_repeated_leaves_one_copy(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer
) -> None:
    make_sparse(hosts.image("abc"))
    for attempt in (1, 2):
        await driver.clone(
            Location("", str(hosts.image("abc"))),
            hosts.at("host1", "disk.0"),
            replace(transfer, attempt=attempt),
        )
    assert os.listdir(hosts.vm("host1")) == ["disk.0"]


async def test_a_missing_image_fails_and_leaves_nothing(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer
) -> None:
    with pytest.raises(DriverError, match=r"missing\.img on .*: no such file"):
        await driver.clone(Location("", "/srv/missing.img"), hosts.at("host1", "disk.0"), transfer)
    assert not hosts.vm("host1").exists()


async def test_a_driver_killed_in_a_clone_leaves_nothing_that_looks_whole(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, tmp_path: Path
) -> None:
    image = hosts.image("abc")
    image.write_bytes(os.urandom(32 * MIB))
    script = tmp_path / "transfer.0.prolog"
    script.write_text(f"CLONE ssh {image} {hosts.at('host1', 'disk.0')} {hosts.vm_id} 1\n")
    with slow_process(hosts, tmp_path) as process:
        assert process.stdin is not None
        process.stdin.write(f"INIT\nTRANSFER {hosts.vm_id} {script}\n".encode())
        process.stdin.flush()
        folder = hosts.vm("host1")
        wait_until(
            lambda: any(allocated(path) for path in folder.glob(".disk.0.part-*/abc")), "it is under way"
        )
        process.kill()
    assert not hosts.vm("host1", "disk.0").exists()
    await driver.clone(Location("", str(image)), hosts.at("host1", "disk.0"), replace(transfer, attempt=2))
    assert hosts.vm("host1", "disk.0").read_bytes() == image.read_bytes()
    assert os.listdir(hosts.vm("host1")) == ["disk.0"]


class slow_process:  # noqa: N801 - it reads as a function
    """``onedriver tm ssh`` with little bandwidth, as the core runs it."""

    def __init__(self, hosts: PretendHosts, location: Path) -> None:
        (location / "etc").mkdir(parents=True)
        (location / "etc" / "oned.toml").write_text(
            f'[drivers.tm.ssh.options]\nssh_config = "{hosts.ssh_config}"\nbandwidth_mib_s = 4.0\n'
        )
        program = Path(sys.executable).with_name("onedriver")
        self._process = subprocess.Popen(
            [program, "tm", "ssh"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"ONE_LOCATION": str(location)},
        )

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self._process

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.communicate()


# -- new disks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["", "host1"])
@pytest.mark.parametrize(
    ("made", "offset", "magic"),
    [("raw", 0, b"\0"), ("qcow2", 0, b"QFI\xfb"), ("swap", 4086, b"SWAPSPACE2"), ("ext4", 1080, b"\x53\xef")],
)
async def test_an_empty_disk_is_sparse_and_what_was_asked_for(
    driver: SshTransferDriver,
    hosts: PretendHosts,
    transfer: Transfer,
    host: str,
    made: str,
    offset: int,
    magic: bytes,
) -> None:
    await driver.make_image(64, made, hosts.at(host, "disk.1"), transfer)
    disk = hosts.vm(host, "disk.1")
    assert virtual_mib(disk, "qcow2" if made == "qcow2" else "raw") == 64
    assert allocated(disk) < 16 * MIB
    assert disk.read_bytes()[offset:].startswith(magic)
    assert os.listdir(hosts.vm(host)) == ["disk.1"]


async def test_a_disk_without_a_size_or_of_no_format_is_refused(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer
) -> None:
    with pytest.raises(DriverError, match="give the disk a SIZE"):
        await driver.make_image(0, "raw", hosts.at("host1", "disk.1"), transfer)
    with pytest.raises(DriverError, match="is no format"):
        await driver.make_image(1, "raw; reboot", hosts.at("host1", "disk.1"), transfer)
    with pytest.raises(DriverError, match="mkfs"):
        await driver.make_image(1, "nosuchfs", hosts.at("host1", "disk.1"), transfer)
    assert os.listdir(hosts.vm("host1")) == []


@pytest.mark.parametrize("format", ["raw", "qcow2"])
async def test_a_disk_is_resized_once_and_never_shrunk(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, format: str
) -> None:
    transfer = replace(transfer, format=format)
    await driver.make_image(16, format, hosts.at("host1", "disk.0"), transfer)
    for size_mib in (32, 32, 8):
        await driver.resize(hosts.at("host1", "disk.0"), size_mib, transfer)
    assert virtual_mib(hosts.vm("host1", "disk.0"), format) == 32


# -- context -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["", "host1"])
async def test_the_context_cd_has_its_label_and_files(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, tmp_path: Path, host: str
) -> None:
    (tmp_path / "context.sh").write_text("ETH0_IP='10.0.0.1'\n")
    (tmp_path / "some file").write_text("more\n")
    files = [(str(tmp_path / "context.sh"), "context.sh"), (str(tmp_path / "some file"), "Init.Script.sh")]
    await driver.context(files, hosts.at(host, "disk.2"), transfer)
    disk = hosts.vm(host, "disk.2")
    assert disk.read_bytes()[32768 + 40 :].startswith(b"CONTEXT ")
    listing = subprocess.run(
        ["xorriso", "-indev", str(disk), "-osirrox", "on", "-extract", "/", str(tmp_path / "out")],
        capture_output=True,
        check=False,
    )
    assert listing.returncode == 0, listing.stderr
    assert (tmp_path / "out" / "context.sh").read_text() == "ETH0_IP='10.0.0.1'\n"
    assert (tmp_path / "out" / "Init.Script.sh").read_text() == "more\n"
    assert os.listdir(hosts.vm(host)) == ["disk.2"]


@pytest.mark.parametrize("name", ["", "..", "a/b", "../../etc/cron.d/x"])
async def test_a_name_on_the_cd_that_leads_elsewhere_is_refused(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, tmp_path: Path, name: str
) -> None:
    (tmp_path / "context.sh").touch()
    with pytest.raises(DriverError, match="is no file name"):
        await driver.context([(str(tmp_path / "context.sh"), name)], hosts.at("", "disk.2"), transfer)


async def test_a_context_file_that_is_missing_is_named(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer
) -> None:
    with pytest.raises(DriverError, match="make the context CD: /nosuch: No such file"):
        await driver.context([("/nosuch", "context.sh")], hosts.at("", "disk.2"), transfer)


# -- back, away --------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["", "host1"])
async def test_a_persistent_disk_comes_back_over_its_image(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, host: str
) -> None:
    hosts.image("abc").write_bytes(b"old")
    make_sparse(hosts.vm(host, "disk.0"))
    await driver.move_back(hosts.at(host, "disk.0"), Location("", str(hosts.image("abc"))), transfer)
    assert hosts.image("abc").read_bytes() == hosts.vm(host, "disk.0").read_bytes()
    assert sorted(os.listdir(hosts.image("abc").parent)) == [".abc.written-back", "abc"]


@pytest.mark.parametrize("attempt", [1, 2])
async def test_a_repeated_script_may_find_the_disk_written_back_and_removed(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, report: NotedReport, attempt: int
) -> None:
    image, disk = Location("", str(hosts.image("abc"))), hosts.at("host1", "disk.0")
    hosts.image("abc").write_bytes(b"old")
    await driver.link(image, disk, transfer)
    hosts.vm("host1", "disk.0").write_bytes(b"saved")
    await driver.move_back(disk, image, transfer)
    await driver.delete(hosts.at("host1"), transfer)
    await driver.move_back(disk, image, replace(transfer, attempt=attempt))
    assert hosts.image("abc").read_bytes() == b"saved"
    assert "an earlier attempt has written it back" in report.lines[0]


@pytest.mark.parametrize("attempt", [1, 2])
async def test_a_disk_that_was_lost_on_its_host_does_not_count_as_written_back(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, attempt: int
) -> None:
    image, disk = Location("", str(hosts.image("abc"))), hosts.at("host1", "disk.0")
    hosts.image("abc").write_bytes(b"old")
    await driver.link(image, disk, transfer)
    await driver.move_back(disk, image, transfer)  # that of an earlier stay has come back
    await driver.link(image, disk, transfer)
    await driver.delete(hosts.at("host1"), transfer)
    with pytest.raises(DriverError, match="it was not written back before"):
        await driver.move_back(disk, image, replace(transfer, attempt=attempt))
    assert hosts.image("abc").read_bytes() == b"old"


@pytest.mark.parametrize("format", ["", "qcow2"])
async def test_a_disk_that_a_host_gave_a_backing_file_does_not_come_into_the_datastore(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, format: str
) -> None:
    hosts.image("abc").write_bytes(b"old")
    hosts.vm("host1").mkdir(parents=True)
    argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw"]
    subprocess.run([*argv, str(hosts.vm("host1", "disk.0")), "1M"], check=True)
    with pytest.raises(DriverError, match="it has a backing file"):
        await driver.move_back(
            hosts.at("host1", "disk.0"),
            Location("", str(hosts.image("abc"))),
            replace(transfer, format=format),
        )
    assert hosts.image("abc").read_bytes() == b"old"
    assert os.listdir(hosts.image("abc").parent) == ["abc"]


async def test_a_disk_is_saved_as_a_new_image(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer
) -> None:
    make_sparse(hosts.vm("host1", "disk.0"))
    await driver.copy_back(hosts.at("host1", "disk.0"), Location("", str(hosts.image("new"))), -1, transfer)
    assert hosts.image("new").read_bytes() == hosts.vm("host1", "disk.0").read_bytes()
    snapshot = hosts.vm("host1", "disk.0.snap/4")
    snapshot.parent.mkdir()
    snapshot.write_bytes(b"as it was")
    await driver.copy_back(hosts.at("host1", "disk.0"), Location("", str(hosts.image("old"))), 4, transfer)
    assert hosts.image("old").read_bytes() == b"as it was"


@pytest.mark.parametrize("host", ["", "host1"])
async def test_files_and_folders_are_deleted_and_what_is_gone_counts_as_deleted(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, host: str
) -> None:
    make_sparse(hosts.vm(host, "disk.0"))
    make_sparse(hosts.vm(host, "disk.1"))
    (hosts.vm(host) / ".disk.0.part-0123").mkdir()
    for _ in range(2):
        await driver.delete(hosts.at(host, "disk.0"), transfer)
    assert os.listdir(hosts.vm(host)) == ["disk.1"]
    for _ in range(2):
        await driver.delete(hosts.at(host), transfer)
    assert os.listdir(hosts.vm(host).parent) == []


async def test_only_what_is_the_vms_own_is_deleted(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer
) -> None:
    make_sparse(hosts.vm("host1", "disk.0"))
    other = str(hosts.datastores / "0" / "1")
    for path in (str(hosts.datastores), other, f"{hosts.at('').path}/../1", "/", "/etc"):
        with pytest.raises(DriverError, match=r"correct it|not in a folder of that VM"):
            await driver.delete(Location("host1", path), transfer)
    assert hosts.vm("host1", "disk.0").exists()


# -- hosts that hang ---------------------------------------------------------------------------------


async def test_a_host_that_hangs_holds_no_other_up(
    hosts: PretendHosts, transfer: Transfer, tmp_path: Path
) -> None:
    make_sparse(hosts.image("abc"))
    settings: dict[str, str | int | float | bool] = {"ssh_config": hosts.ssh_config, "connect_timeout_s": 5}
    driver = SshTransferDriver(DriverContext("ssh", tmp_path, settings))
    image = Location("", str(hosts.image("abc")))
    try:
        hanging = asyncio.create_task(driver.clone(image, hosts.at("mute", "disk.0"), transfer))
        begun_at = time.monotonic()
        await driver.clone(image, hosts.at("host1", "disk.0"), transfer)
        assert not hanging.done()
        with pytest.raises(DriverError, match="connect to 'mute': no answer within 5 s"):
            await hanging
        assert time.monotonic() - begun_at < 15
    finally:
        await driver.close()


# -- snapshots -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["", "host1"])
async def test_a_disk_goes_back_to_its_snapshot(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer, host: str
) -> None:
    disk, at = hosts.vm(host, "disk.0"), hosts.at(host, "disk.0")
    make_sparse(disk)
    then = disk.read_bytes()
    for attempt in (1, 2):
        await driver.snap_create(at, 0, replace(transfer, attempt=attempt))
    assert allocated(hosts.vm(host, "disk.0.snap/0")) < 4 * MIB
    disk.write_bytes(b"now")

    for attempt in (1, 2):
        await driver.snap_revert(at, 0, replace(transfer, attempt=attempt))
    assert disk.read_bytes() == then
    assert hosts.vm(host, "disk.0.snap/0").read_bytes() == then

    for attempt in (1, 2):
        await driver.snap_delete(at, 0, replace(transfer, attempt=attempt))
    assert not hosts.vm(host, "disk.0.snap/0").exists()
    assert disk.read_bytes() == then


async def test_a_snapshot_that_is_not_there_leaves_the_disk_alone(
    driver: SshTransferDriver, hosts: PretendHosts, transfer: Transfer
) -> None:
    make_sparse(hosts.vm("host1", "disk.0"))
    then = hosts.vm("host1", "disk.0").read_bytes()
    with pytest.raises(DriverError):
        await driver.snap_revert(hosts.at("host1", "disk.0"), 7, transfer)
    with pytest.raises(DriverError, match="that is no disk"):
        await driver.snap_create(hosts.at("host1", "checkpoint"), 0, transfer)
    assert hosts.vm("host1", "disk.0").read_bytes() == then
