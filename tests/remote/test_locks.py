from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from opennebula_core.errors import DriverError, DriverTimeoutError
from opennebula_core.remote import Remote
from opennebula_core.remote.locks import ending, locked
from opennebula_core.testing.sshd import wait_until

SOON = timedelta(seconds=30)
LOCKS = Path(f"/var/tmp/one-locks-{os.getuid()}")

StartDriver = Callable[..., subprocess.Popen[bytes]]

RUN_UNDER_LOCK = """
        host, lock, *work = arguments
        await remote.run(host, ["sh", "-c", *work], timeout=timedelta(seconds=60), lock=lock)
"""
WORK = 'echo $$ >"$0"; trap "" HUP; sleep 300; echo "the earlier attempt went on" >>"$0"'
STUBBORN_WORK = 'trap "" TERM; ' + WORK.replace("sleep 300", "while :; do sleep 300; done")


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie that only waits for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def pid_in(path: Path) -> int:
    """Wait until a command has written its number."""
    wait_until(lambda: path.exists() and path.read_text().endswith("\n"), f"{path} is written")
    return int(path.read_text().split()[0])


async def test_a_command_holds_its_lock_while_it_runs(remote: Remote, host: str, lock: str) -> None:
    check = f"flock -n {LOCKS}/{lock}.lock echo free"
    completed = await remote.run(
        host, ["sh", "-c", f"exec 9>&-; {check}"], timeout=SOON, lock=lock, check=False
    )
    assert completed.stdout == ""
    assert (await remote.run(host, ["sh", "-c", check], timeout=SOON)).stdout == "free\n"


async def test_commands_of_one_process_wait_for_each_other(
    remote: Remote, host: str, lock: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    work = ["sh", "-c", 'echo in >>"$0"; sleep 0.2; echo out >>"$0"', str(log)]
    await asyncio.gather(*(remote.run(host, work, timeout=SOON, lock=lock) for _ in range(4)))
    assert log.read_text() == "in\nout\n" * 4


@pytest.mark.integration
async def test_a_new_attempt_ends_what_a_killed_driver_left_running(
    remote: Remote, host: str, lock: str, tmp_path: Path, start_driver: StartDriver
) -> None:
    out = tmp_path / "out"
    driver = start_driver(RUN_UNDER_LOCK, host, lock, WORK, str(out))
    pid = pid_in(out)
    driver.kill()
    driver.wait()
    assert is_running(pid), "killing the driver does not stop what it began"
    completed = await remote.run(host, ["echo", "mine"], timeout=SOON, lock=lock)
    assert completed.stdout == "mine\n"
    assert not is_running(pid)
    assert out.read_text() == f"{pid}\n"


@pytest.mark.integration
async def test_an_earlier_attempt_that_ignores_term_is_killed(
    remote: Remote, host: str, lock: str, tmp_path: Path, start_driver: StartDriver
) -> None:
    out = tmp_path / "out"
    driver = start_driver(RUN_UNDER_LOCK, host, lock, STUBBORN_WORK, str(out))
    pid = pid_in(out)
    driver.kill()
    driver.wait()
    await remote.run(host, ["true"], timeout=SOON, lock=lock)
    assert not is_running(pid)


@pytest.mark.integration
async def test_an_attempt_that_waits_gives_up_when_a_later_one_comes(
    remote: Remote, host: str, lock: str, tmp_path: Path, start_driver: StartDriver
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    start_driver(RUN_UNDER_LOCK, host, lock, STUBBORN_WORK, str(first))
    pid_in(first)
    waiting = start_driver(RUN_UNDER_LOCK, host, lock, WORK, str(second))
    ticket = LOCKS / f"{lock}.next"
    earlier = ticket.read_text()
    wait_until(lambda: ticket.read_text() != earlier, "the second attempt waits")
    third = asyncio.create_task(remote.run(host, ["sleep", "1"], timeout=SOON, lock=lock))
    assert await asyncio.to_thread(waiting.wait, 20) != 0
    assert waiting.stderr is not None
    assert b"a later attempt has taken over" in waiting.stderr.read()
    await third
    assert not second.exists()


async def test_a_command_that_takes_too_long_is_ended_with_all_its_children(
    remote: Remote, host: str, lock: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    work = ["sh", "-c", 'sleep 300 & echo $! >"$0"; wait', str(out)]
    with pytest.raises(DriverTimeoutError):
        await remote.run(host, work, timeout=timedelta(seconds=1), lock=lock)
    pid = pid_in(out)
    wait_until(lambda: not is_running(pid), "the child is gone")


async def test_a_cancelled_command_is_ended(remote: Remote, host: str, lock: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    task = asyncio.create_task(remote.run(host, ["sh", "-c", WORK, str(out)], timeout=SOON, lock=lock))
    pid = await asyncio.to_thread(pid_in, out)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    wait_until(lambda: not is_running(pid), "the command is gone")


async def test_an_attempt_that_was_ended_before_it_came_gives_up(
    remote: Remote, host: str, lock: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    await remote.run(host, ending(lock, "late"), timeout=SOON)
    await remote.run(host, ["true"], timeout=SOON, lock=lock)
    with pytest.raises(DriverError, match="this attempt was ended before it began; exit status 75"):
        await remote.run(host, locked(["touch", str(out)], lock, "late"), timeout=SOON)
    assert not out.exists()
    assert not list(LOCKS.glob(f"{lock}.*.ended"))


async def test_a_process_whose_number_was_used_again_is_left_alone(
    remote: Remote, lock: str, tmp_path: Path
) -> None:
    path = LOCKS / f"{lock}.lock"
    await remote.run("", ["true"], timeout=SOON, lock=lock)
    innocent = subprocess.Popen(["sleep", "60"], start_new_session=True)
    holder = subprocess.Popen(["flock", str(path), "sleep", "1"])
    try:
        wait_until(lambda: subprocess.run(["flock", "-n", str(path), "true"]).returncode, "it is held")
        path.write_text(f"{innocent.pid} 1 sometoken\n")
        await remote.run("", ["true"], timeout=SOON, lock=lock)
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()
        holder.wait()


async def test_the_exit_status_comes_through_the_lock(remote: Remote, host: str, lock: str) -> None:
    completed = await remote.run(host, ["sh", "-c", "exit 7"], timeout=SOON, lock=lock, check=False)
    assert completed.status == 7
    with pytest.raises(DriverError, match="exit status 7"):
        await remote.run(host, ["sh", "-c", "exit 7"], timeout=SOON, lock=lock)
