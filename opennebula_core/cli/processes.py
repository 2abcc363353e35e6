"""The cloud's processes: started in the background, found by their pid files' locks, ended in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from opennebula_core.config.location import Location
from opennebula_core.config.pid_file import running_pid
from opennebula_core.errors import OpenNebulaError

DAEMON, SCHEDULER = "oned", "onesched"
TERM_LIMIT_S, KILL_LIMIT_S = 30.0, 5.0
POLL_S = 0.05
_START_TIME = 19
"""Field of ``/proc/PID/stat`` behind the program's name. Source: proc(5)."""


class ProcessError(OpenNebulaError):
    """A process of the cloud does not start or does not end."""


@dataclass(frozen=True, slots=True)
class Running:
    """A process, by a start time too: the kernel uses numbers again."""

    pid: int
    start: str

    @classmethod
    def of(cls, pid_file: Path) -> Running | None:
        """Return the process whose number a file holds."""
        try:
            pid = int(pid_file.read_text())
        except (OSError, ValueError):
            return None
        start = start_of(pid)
        return cls(pid, start) if start else None

    def is_alive(self) -> bool:
        """Return whether it still is."""
        return bool(self.start) and start_of(self.pid) == self.start

    def end(self, grace_s: float = 10.0) -> None:
        """Ask it to end, wait, and kill it if it does not."""
        for number, limit_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, grace_s)):
            if not self.is_alive():
                return
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)
            deadline = time.monotonic() + limit_s
            while self.is_alive() and time.monotonic() < deadline:
                time.sleep(POLL_S)


def start_of(pid: int) -> str:
    """Return when a process started; empty when there is none, or only its remains."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[_START_TIME]


@dataclass(frozen=True, slots=True)
class Spawned:
    """A program that was started in the background.

    :param log_from: how long its log was before, in bytes
    """

    program: str
    process: subprocess.Popen[bytes]
    log: Path
    log_from: int

    def has_ended(self) -> bool:
        """Return whether it has ended already."""
        return self.process.poll() is not None

    def said(self, lines: int = 10) -> str:
        """Return the end of what it has written to its log since it was started, indented."""
        try:
            with self.log.open("rb") as file:
                # A log that was shortened meanwhile holds nothing of earlier runs.
                file.seek(self.log_from if self.log.stat().st_size >= self.log_from else 0)
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return ""
        return "\n".join(f"  {line}" for line in text.splitlines()[-lines:])


def spawn(location: Location, program: str) -> Spawned:
    """Start a program in the background, in a session of its own, its log in ``var/log``."""
    log = location.log_file(program)
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    environment = {**os.environ, "ONE_LOCATION": str(location)}
    with log.open("ab") as output:
        log_from = output.tell()
        process = subprocess.Popen(
            [_program_path(program)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=str(location),
            env=environment,
        )
    return Spawned(program, process, log, log_from)


def _program_path(program: str) -> str:
    path = Path(sys.executable).parent / program
    if not path.exists():
        raise ProcessError(f"start {program}: there is no {path}; install opennebula-core again")
    return str(path)


def wait_for(condition: Callable[[], bool], limit_s: float) -> bool:
    """Wait until a condition holds; return whether it did in time."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(POLL_S)
    return True


def end(location: Location, program: str) -> bool:
    """End a program: ask, wait, then kill; return whether it was running.

    :raises ProcessError: it does not even end when killed
    """
    pid = running_pid(location, program)
    if not pid:
        return False
    # Its file says nothing any more a moment before it has ended.
    process = Running(pid, start_of(pid))
    _signal(pid, signal.SIGTERM)
    if not wait_for(lambda: not process.is_alive(), TERM_LIMIT_S):
        _signal(pid, signal.SIGKILL)
        if not wait_for(lambda: not process.is_alive(), KILL_LIMIT_S):
            raise ProcessError(f"end {program}: process {pid} does not end; look what keeps it")
    return True


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        raise ProcessError(f"end process {pid}: it belongs to another user; run this as that user") from None
