from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.cli.shell import Shell, hear_ctrl_c, wait_until


def test_a_terminal_is_shown_how_far_a_transfer_is(
    cloud: Shell, disk: Path, control: Callable[[str], None]
) -> None:
    cloud.make(f"oneimage create --name progressing --path {disk} --wait")
    control('{"tm/CLONE": {"delay_s": 4}}')

    text = said_on_a_terminal(cloud, "onevm create --cpu 0.1 --memory 32 --disk progressing --wait")

    assert "PROLOG" in text
    assert "0% " in text
    assert "RUNNING" in text


def said_on_a_terminal(shell: Shell, line: str) -> str:
    program, *arguments = line.split()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ONE_")}
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [str(Path(sys.executable).parent / program), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=follower,
        env={**environment, "ONE_LOCATION": str(shell.location)},
    ) as process:
        os.close(follower)
        said = b""
        # A terminal whose other end is closed is an error to read from: the program has ended then.
        with suppress(OSError):
            while chunk := os.read(leader, 4096):
                said += chunk
        os.close(leader)
        assert process.wait() == 0, said
    return said.decode()


def test_ctrl_c_ends_the_waiting_and_says_that_the_vm_goes_on(
    cloud: Shell, control: Callable[[str], None]
) -> None:
    control('{"vmm/DEPLOY": {"delay_s": 10}}')
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ONE_")}
    words = ("create", "--cpu", "0.1", "--memory", "32", "--wait")
    with subprocess.Popen(
        [str(Path(sys.executable).parent / "onevm"), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environment, "ONE_LOCATION": str(cloud.location)},
        text=True,
        preexec_fn=hear_ctrl_c,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        vm_id = process.stdout.readline().removeprefix("ID: ").strip()
        while "BOOT" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()

    assert process.returncode == 130
    assert f"VM {vm_id} goes on" in said
    assert f"'onevm show {vm_id}'" in said
    assert "Aborted" not in said
    wait_until(lambda: cloud.rows(f"onevm list -f ID={vm_id} -l STAT") == [["runn"]])
