from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from opennebula_core.errors import DriverError, DriverTimeoutError, RemoteError
from opennebula_core.remote import Remote, RemoteOptions
from opennebula_core.remote.copy_scripts import WRITE

SOON = timedelta(seconds=30)
AWKWARD = ["two words", "it's", 'say "hi"', "$HOME `id` $(id)", "", "a\nb", "*", "\\", "-n", "ünï"]


async def test_arguments_arrive_as_they_were_given(remote: Remote, host: str) -> None:
    completed = await remote.run(host, ["printf", "%s\\0", *AWKWARD], timeout=SOON)
    assert completed.stdout.split("\0")[:-1] == AWKWARD


async def test_a_script_gets_its_values_as_arguments(remote: Remote, host: str) -> None:
    completed = await remote.script(host, 'printf "%s:%s" "$#" "$2"', ["a", "it's $HOME"], timeout=SOON)
    assert completed.stdout == "2:it's $HOME"


async def test_a_python_program_runs_on_the_host(remote: Remote, host: str) -> None:
    completed = await remote.python(host, "import sys; print(sys.argv[1:])", ["a b"], timeout=SOON)
    assert completed.stdout == "['a b']\n"


async def test_input_is_passed_on(remote: Remote, host: str) -> None:
    text = "x" * 3_000_000
    completed = await remote.run(host, ["wc", "-c"], stdin=text, timeout=SOON)
    assert int(completed.stdout) == len(text)


async def test_a_command_that_does_not_read_its_input_is_no_error(remote: Remote, host: str) -> None:
    completed = await remote.run(host, ["echo", "done"], stdin=b"x" * 5_000_000, timeout=SOON)
    assert completed.stdout == "done\n"


async def test_a_failed_command_raises_with_its_error_output(remote: Remote, host: str) -> None:
    with pytest.raises(DriverError, match=r"run 'sh' on .*: no such luck; exit status 3"):
        await remote.run(host, ["sh", "-c", "echo no such luck >&2; exit 3"], timeout=SOON)


async def test_an_unchecked_command_returns_its_status(remote: Remote, host: str) -> None:
    completed = await remote.run(
        host, ["sh", "-c", "echo out; echo err >&2; exit 3"], timeout=SOON, check=False
    )
    assert (completed.status, completed.stdout, completed.stderr) == (3, "out\n", "err\n")


async def test_a_missing_program_is_named(remote: Remote, host: str) -> None:
    with pytest.raises(DriverError, match=r"run 'frobnicate' on .*: not found.*install it there"):
        await remote.run(host, ["frobnicate"], timeout=SOON)


async def test_a_command_that_takes_too_long_is_ended(remote: Remote, host: str, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    with pytest.raises(DriverTimeoutError, match=r"no end within 0\.5 s"):
        await remote.run(
            host, ["sh", "-c", f"echo $$ > {pid_file}; exec sleep 300"], timeout=timedelta(seconds=0.5)
        )
    # Root's sshd does not pass signals on; there the host's own limit ends it a little later.
    pid = int(pid_file.read_text())
    for _ in range(300):
        if not Path(f"/proc/{pid}").exists():
            return
        await asyncio.sleep(0.05)
    pytest.fail("the command still runs")


async def test_more_output_than_anybody_needs_is_refused(remote: Remote, host: str) -> None:
    with pytest.raises(DriverError, match="over 16777216 bytes"):
        await remote.run(host, ["head", "-c", "40M", "/dev/zero"], timeout=SOON)


async def test_system_programs_are_found(remote: Remote, host: str) -> None:
    completed = await remote.run(host, ["sh", "-c", "echo $PATH $LC_ALL"], timeout=SOON)
    assert "/usr/sbin" in completed.stdout
    assert completed.stdout.endswith(" C\n")


async def test_a_small_file_is_written(remote: Remote, host: str, tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "deployment.0"
    await remote.write(host, str(path), "<domain/>", timeout=SOON)
    await remote.write(host, str(path), "<domain>ü</domain>", timeout=SOON)
    assert path.read_text() == "<domain>ü</domain>"
    assert os.listdir(path.parent) == ["deployment.0"]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_small_file_of_which_not_all_arrives_replaces_nothing(
    remote: Remote, host: str, tmp_path: Path
) -> None:
    path = tmp_path / "deployment.0"
    path.write_text("<old/>")
    argv = ["sh", "-c", WRITE, "sh", str(tmp_path), path.name, f".{path.name}.part-1", "6"]
    with pytest.raises(DriverError, match=r"not all of deployment\.0 arrived; exit status 74"):
        await remote.run(host, argv, stdin="<new", timeout=SOON)
    assert path.read_text() == "<old/>"
    assert os.listdir(tmp_path) == [path.name]


async def test_the_own_host_name_is_local() -> None:
    remote = Remote(RemoteOptions(local_names=("FrontEnd.example.org",)))
    assert remote.is_local(os.uname().nodename)
    assert remote.is_local("localhost")
    assert remote.is_local("")
    assert remote.is_local("frontend.example.org")
    assert not remote.is_local("host1")


def test_without_asyncssh_local_hosts_work_and_others_say_what_to_install() -> None:
    source = """
import asyncio, sys
from datetime import timedelta
sys.modules["asyncssh"] = None
from opennebula_core.errors import RemoteError
from opennebula_core.remote import Remote

async def main():
    remote = Remote()
    assert (await remote.run("localhost", ["echo", "hi"], timeout=timedelta(seconds=9))).stdout == "hi\\n"
    try:
        await remote.run("host1", ["true"], timeout=timedelta(seconds=9))
    except RemoteError as error:
        sys.stdout.write(str(error))

asyncio.run(main())
"""
    completed = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert "pip install 'opennebula-core[ssh]'" in completed.stdout


async def test_a_name_for_a_lock_that_is_none_is_refused(remote: Remote) -> None:
    with pytest.raises(RemoteError, match="no name for a lock"):
        await remote.run("", ["true"], timeout=SOON, lock="../etc")
