from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from opennebula_core.errors import DriverError, DriverTimeoutError
from opennebula_core.remote import Remote, RemoteOptions
from opennebula_core.testing.sshd import Sshd, children_of, wait_until

SOON = timedelta(seconds=30)
MIB = 1024 * 1024

StartDriver = Callable[..., subprocess.Popen[bytes]]

ROUTES = [
    pytest.param("", "", id="here"),
    pytest.param("", "host1", id="to-host", marks=pytest.mark.integration),
    pytest.param("host1", "", id="from-host", marks=pytest.mark.integration),
    pytest.param("host1", "host2", id="between-hosts", marks=pytest.mark.integration),
    pytest.param("host1", "host1", id="on-host", marks=pytest.mark.integration),
]
OVER_SSH = ROUTES[1:4]


@pytest.fixture
async def remote(sshd: Sshd) -> AsyncIterator[Remote]:
    async with Remote(RemoteOptions(config_file=sshd.ssh_config)) as opened:
        yield opened


def make_sparse(path: Path) -> None:
    """Write a file of 64 MiB with 3 MiB of data in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(64 * MIB)
        for offset in (0, 20 * MIB, 63 * MIB):
            file.seek(offset)
            file.write(os.urandom(MIB))


def make_big(path: Path, size_mib: int = 32) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(size_mib * MIB))


def tree(folder: Path) -> dict[str, bytes | str | None]:
    """All that is below a folder: contents of files, targets of links."""
    return {
        str(path.relative_to(folder)): os.readlink(path)
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else None
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize(("source_host", "host"), ROUTES)
async def test_a_sparse_file_arrives_whole_and_sparse(
    remote: Remote, tmp_path: Path, source_host: str, host: str
) -> None:
    source, target = tmp_path / "images" / "a b'c", tmp_path / "0" / "7" / "disk.0"
    make_sparse(source)
    await remote.copy(source_host, str(source), host, str(target))
    assert target.read_bytes() == source.read_bytes()
    assert target.stat().st_blocks * 512 < 5 * MIB
    assert target.stat().st_mode & 0o777 == 0o600
    assert os.listdir(target.parent) == ["disk.0"]


@pytest.mark.parametrize(("source_host", "host"), ROUTES)
async def test_a_folder_arrives_with_all_that_is_in_it(
    remote: Remote, tmp_path: Path, source_host: str, host: str
) -> None:
    source, target = tmp_path / "from" / "7", tmp_path / "to" / "8"
    make_sparse(source / "disk.0")
    (source / "disk.0.snap").mkdir()
    (source / "disk.0.snap" / "0 it's\na snapshot").write_bytes(b"x" * 1000)
    (source / "disk.1").symlink_to("disk.0")
    (source / "empty folder").mkdir()
    (source / ".hidden").touch()
    await remote.copy(source_host, str(source), host, str(target))
    assert tree(target) == tree(source)
    assert os.listdir(target.parent) == ["8"]


@pytest.mark.parametrize(("source_host", "host"), ROUTES)
async def test_what_was_there_is_replaced(
    remote: Remote, tmp_path: Path, source_host: str, host: str
) -> None:
    make_sparse(tmp_path / "new" / "disk.0")
    make_sparse(tmp_path / "target" / "old")
    (tmp_path / "target" / ".hidden.part-of-nothing").touch()
    await remote.copy(source_host, str(tmp_path / "new"), host, str(tmp_path / "target"))
    assert tree(tmp_path / "target") == tree(tmp_path / "new")
    make_big(tmp_path / "file", 1)
    await remote.copy(source_host, str(tmp_path / "file"), host, str(tmp_path / "target" / "disk.0"))
    assert (tmp_path / "target" / "disk.0").read_bytes() == (tmp_path / "file").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["file", "new", "target"]


@pytest.mark.parametrize(("source_host", "host"), ROUTES)
async def test_a_missing_source_is_an_error_and_makes_nothing(
    remote: Remote, tmp_path: Path, source_host: str, host: str
) -> None:
    with pytest.raises(DriverError, match=r"missing\.img on .*: no such file or folder"):
        await remote.copy(source_host, str(tmp_path / "missing.img"), host, str(tmp_path / "x" / "disk.0"))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("source_host", "host"), ROUTES)
async def test_progress_grows_to_its_end(remote: Remote, tmp_path: Path, source_host: str, host: str) -> None:
    make_big(tmp_path / "image", 24)
    seen: list[tuple[int, int]] = []
    await remote.copy(
        source_host,
        str(tmp_path / "image"),
        host,
        str(tmp_path / "copy"),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == sorted(seen)
    assert seen[-1] == (24 * MIB, 24 * MIB)


@pytest.mark.parametrize(("source_host", "host"), ROUTES)
async def test_a_last_command_runs_before_the_copy_gets_its_name(
    remote: Remote, tmp_path: Path, source_host: str, host: str
) -> None:
    make_sparse(tmp_path / "image")
    target = tmp_path / "disk.0"
    await remote.copy(
        source_host,
        str(tmp_path / "image"),
        host,
        str(target),
        finish=lambda path: ["truncate", "-s", "65M", path],
    )
    assert target.stat().st_size == 65 * MIB
    with pytest.raises(DriverError, match="no, thanks"):
        await remote.copy(
            source_host,
            str(tmp_path / "image"),
            host,
            str(tmp_path / "disk.1"),
            finish=lambda path: ["sh", "-c", "echo no, thanks >&2; exit 1"],
        )
    assert sorted(os.listdir(tmp_path)) == ["disk.0", "image"]


@pytest.mark.parametrize("host", ["", pytest.param("host1", marks=pytest.mark.integration)])
@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside"])
async def test_a_link_that_leads_out_is_refused(
    remote: Remote, tmp_path: Path, host: str, target: str
) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "disk.0").symlink_to(target)
    with pytest.raises(DriverError, match="no plain file"):
        await remote.copy(host, str(tmp_path / "7"), "", str(tmp_path / "8"))
    assert os.listdir(tmp_path) == ["7"]


async def test_what_is_no_file_is_refused(remote: Remote, tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    os.mkfifo(tmp_path / "7" / "disk.0")
    with pytest.raises(DriverError, match="no plain file"):
        await remote.copy("", str(tmp_path / "7"), "", str(tmp_path / "8"))
    with pytest.raises(DriverError, match="neither a file nor a folder"):
        await remote.copy("", "/dev/zero", "", str(tmp_path / "8"))


@pytest.mark.parametrize("path", ["relative", "/a/../b", "/a//b", "/", "/a/", "/a\nb"])
async def test_a_path_that_is_not_plain_is_refused(remote: Remote, path: str) -> None:
    with pytest.raises(DriverError, match="correct it"):
        await remote.copy("", "/etc/hostname", "", path)


@pytest.mark.parametrize("host", ["", pytest.param("host1", marks=pytest.mark.integration)])
async def test_a_file_is_made_by_commands_and_only_then_there(
    remote: Remote, tmp_path: Path, host: str
) -> None:
    disk = tmp_path / "7" / "disk.1"
    await remote.make(host, str(disk), lambda path: [["truncate", "-s", "1M", path], ["mkswap", path]])
    assert b"SWAPSPACE2" in disk.read_bytes()
    with pytest.raises(DriverError, match=r"write .*disk\.1 .*with 'mkswap'"):
        await remote.make(host, str(disk), lambda path: [["touch", path], ["mkswap", path]])
    assert disk.stat().st_size == MIB
    assert os.listdir(tmp_path / "7") == ["disk.1"]


@pytest.mark.parametrize(("source_host", "host"), ROUTES)
async def test_nothing_that_arrives_gives_rights(
    remote: Remote, tmp_path: Path, source_host: str, host: str
) -> None:
    source = tmp_path / "7" / "disk.0"
    source.parent.mkdir()
    source.write_bytes(b"x")
    source.chmod(0o6777)
    await remote.copy(source_host, str(tmp_path / "7"), host, str(tmp_path / "8"))
    assert (tmp_path / "8" / "disk.0").stat().st_mode & 0o7077 == 0o011


@pytest.mark.integration
@pytest.mark.parametrize(("source_host", "host"), OVER_SSH)
async def test_a_driver_killed_in_the_middle_leaves_nothing_that_looks_whole(
    remote: Remote,
    tmp_path: Path,
    lock: str,
    start_driver: StartDriver,
    source_host: str,
    host: str,
) -> None:
    source, folder = tmp_path / "image", tmp_path / "vm"
    make_big(source)
    call = "await remote.copy(*arguments[:4], lock=arguments[4])"
    driver = start_driver(
        call, source_host, str(source), host, str(folder / "disk.0"), lock, bandwidth=4 * MIB
    )
    wait_until(lambda: has_partial_data(folder), "the copy is under way")
    driver.kill()
    driver.wait()
    assert not (folder / "disk.0").exists()
    await remote.copy(source_host, str(source), host, str(folder / "disk.0"), lock=lock)
    assert (folder / "disk.0").read_bytes() == source.read_bytes()
    assert os.listdir(folder) == ["disk.0"]


def has_partial_data(folder: Path) -> bool:
    return any(path.is_file() and path.stat().st_blocks for path in folder.glob(".disk.0.part-*/*"))


@pytest.mark.integration
async def test_a_cancelled_copy_cleans_up(sshd: Sshd, tmp_path: Path, lock: str) -> None:
    make_big(tmp_path / "image")
    options = RemoteOptions(config_file=sshd.ssh_config, bandwidth_bytes_per_s=4 * MIB)
    async with Remote(options) as remote:
        task = asyncio.create_task(
            remote.put(tmp_path / "image", "host1", str(tmp_path / "vm" / "disk.0"), lock=lock)
        )
        await asyncio.to_thread(wait_until, lambda: has_partial_data(tmp_path / "vm"), "it is under way")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert os.listdir(tmp_path / "vm") == []


@pytest.mark.integration
async def test_a_copy_that_stalls_fails(sshd: Sshd, tmp_path: Path) -> None:
    make_big(tmp_path / "image")
    options = RemoteOptions(
        config_file=sshd.ssh_config,
        bandwidth_bytes_per_s=4 * MIB,
        stall_timeout=timedelta(seconds=1),
    )
    async with Remote(options) as remote:
        task = asyncio.create_task(remote.put(tmp_path / "image", "host1", str(tmp_path / "vm" / "disk.0")))
        await asyncio.to_thread(wait_until, lambda: has_partial_data(tmp_path / "vm"), "it is under way")
        (sender,) = children_of(os.getpid(), "tar")
        os.kill(sender, signal.SIGSTOP)
        with pytest.raises(DriverTimeoutError, match="nothing has moved for 1 s"):
            await task
    assert os.listdir(tmp_path / "vm") == []


@pytest.mark.integration
async def test_a_host_without_room_is_named_with_its_reason(remote: Remote, tmp_path: Path) -> None:
    make_big(tmp_path / "image", 24)
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(small)], check=True)
    try:
        with pytest.raises(
            DriverError,
            match=r"write .*/disk\.0 on 'host1': no room in /.*25\d+ bytes are needed, 8388608 are free",
        ):
            await remote.put(tmp_path / "image", "host1", str(small / "disk.0"))
        assert os.listdir(small) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.integration
@pytest.mark.parametrize(("source_host", "host"), OVER_SSH)
async def test_a_file_that_changes_meanwhile_is_not_taken_for_whole(
    sshd: Sshd, tmp_path: Path, source_host: str, host: str
) -> None:
    make_big(tmp_path / "7" / "disk.0", 8)
    options = RemoteOptions(config_file=sshd.ssh_config, bandwidth_bytes_per_s=4 * MIB)
    async with Remote(options) as remote:
        task = asyncio.create_task(
            remote.copy(source_host, str(tmp_path / "7"), host, str(tmp_path / "vm" / "7"))
        )
        await asyncio.to_thread(
            wait_until, lambda: list((tmp_path / "vm").glob(".7.part-*/7/disk.0")), "it is under way"
        )
        with (tmp_path / "7" / "disk.0").open("ab") as file:
            file.write(b"more")
        with pytest.raises(DriverError, match=r"changed as we read it|is not what was sent"):
            await task
    assert os.listdir(tmp_path / "vm") == []


@pytest.mark.integration
def test_a_big_copy_does_not_sit_in_memory(tmp_path: Path, start_driver: StartDriver) -> None:
    make_big(tmp_path / "image", 300)
    call = """
        import resource
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        await remote.copy("host1", arguments[0], "host2", arguments[1])
        sys.exit(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before > 80 * 1024)
"""
    driver = start_driver(call, str(tmp_path / "image"), str(tmp_path / "copy"))
    assert driver.wait(120) == 0
