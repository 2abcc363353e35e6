from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from opennebula_core.testing.kvmlab.processes import Process, end_all, first_child, in_pid_namespace_of

IGNORE_SIGTERM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(100)"
)


def test_a_process_is_found_again_by_pid_and_start(tmp_path: Path) -> None:
    process = Process.of(os.getpid())
    assert process is not None
    process.save(tmp_path / "pid")
    assert Process.load(tmp_path / "pid") == process


def test_a_pid_that_was_used_again_is_somebody_else(tmp_path: Path) -> None:
    Process(os.getpid(), "1").save(tmp_path / "pid")
    assert Process.load(tmp_path / "pid") is None


def test_a_file_that_is_not_there_or_empty_names_nobody(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert Process.load(tmp_path / "empty") is None
    assert Process.load(tmp_path / "absent") is None


def test_one_that_ends_when_asked_is_not_waited_for_long() -> None:
    with subprocess.Popen(["sleep", "100"]) as child:
        process = Process.of(child.pid)
        assert process is not None
        start = time.monotonic()
        end_all([process])
        assert not process.is_alive()
        assert time.monotonic() - start < 10


def test_one_that_does_not_end_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", IGNORE_SIGTERM], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        process = Process.of(child.pid)
        assert process is not None
        end_all([process], grace_s=0.1)
        assert not process.is_alive()


def test_a_signal_to_one_that_is_gone_hits_nobody() -> None:
    # were the start time not looked at, this would end the test
    Process(os.getpid(), "1").send(signal.SIGKILL)


def test_processes_are_found_by_program_in_a_pid_namespace() -> None:
    with subprocess.Popen(["sleep", "100"]) as child:
        found = in_pid_namespace_of(os.getpid(), ["sleep"])
        assert child.pid in [process.pid for process in found]
        assert first_child(child.pid) is None
        child.kill()
    assert in_pid_namespace_of(child.pid, ["sleep"]) == []
