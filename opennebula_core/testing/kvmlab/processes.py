"""Processes named so that a number used again by the kernel is never mistaken for them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from opennebula_core.testing.kvmlab.command import write_file

# fields of /proc/PID/stat behind the program's name; Source: proc(5)
STATE = 0
START_TIME = 19

KILL_LIMIT_S = 5.0

COMM_LENGTH = 15
"""Source: proc(5), /proc/PID/comm."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process by its pid and its start time (in clock ticks since the machine's start)."""

    pid: int
    start: str

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """Return the process that has ``pid`` now."""
        fields = _stat(pid)
        return cls(pid, fields[START_TIME]) if fields else None

    @classmethod
    def load(cls, path: Path) -> Process | None:
        """Read what :meth:`save` wrote; None when that process is gone."""
        try:
            pid, start = path.read_text().split()
        except (OSError, ValueError):
            return None
        process = cls(int(pid), start)
        return process if process.is_alive() else None

    def save(self, path: Path) -> None:
        """Write pid and start time to a file."""
        write_file(path, f"{self.pid} {self.start}\n")

    def is_alive(self) -> bool:
        """Tell whether it still is; one that ended and was not waited for is not."""
        # reaps it where it is a child of ours
        with suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)
        fields = _stat(self.pid)
        return bool(fields) and fields[START_TIME] == self.start and fields[STATE] not in "ZX"

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless it is gone."""
        if self.is_alive():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def end_all(
    processes: Iterable[Process], *, first: signal.Signals = signal.SIGTERM, grace_s: float = 4.0
) -> None:
    """Send processes a signal, kill those that have not ended within ``grace_s``, and wait for that."""
    left = [process for process in processes if process.is_alive()]
    for number, limit_s in ((first, grace_s), (signal.SIGKILL, KILL_LIMIT_S)):
        for process in left:
            process.send(number)
        deadline = time.monotonic() + limit_s
        while left and time.monotonic() < deadline:
            left = [process for process in left if process.is_alive()]
            time.sleep(0.02)


def first_child(pid: int) -> int | None:
    """Return the pid of a process's first child, None while it has none."""
    try:
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    except (OSError, IndexError):
        return None


def in_pid_namespace_of(pid: int, programs: Collection[str]) -> list[Process]:
    """Return the processes in another's pid namespace, not in nested ones.

    :param programs: only those that run one of these; the kernel keeps 15 characters of a name
    """
    space = _pid_namespace(pid)
    names = {program[:COMM_LENGTH] for program in programs}
    if space is None:
        return []
    pids = [pid for pid in _pids() if _pid_namespace(pid) == space and (not names or _program(pid) in names)]
    # one that has ended is listed until its parent takes note
    return [process for process in map(Process.of, pids) if process is not None and process.is_alive()]


def _pids() -> Iterator[int]:
    return (int(entry) for entry in os.listdir("/proc") if entry.isdigit())


def _pid_namespace(pid: int) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return None


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _stat(pid: int) -> list[str]:
    try:
        # the name may hold anything, blanks and brackets too
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
