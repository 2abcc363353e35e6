"""The processes that a driver under test has started, wherever they have hidden, and their end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

MARK: Final = "ONEDRIVER_CHECK"
"""Variable in the environment of a driver: what it starts inherits it."""

PATIENCE_S: Final = 2.0
PERIOD_S: Final = 0.02


def marked(mark: str, session: int = 0) -> dict[int, str]:
    """Return the running processes with that mark, or of that session, and their command lines."""
    return {pid: _command(pid) for pid in _pids() if _belongs(pid, mark, session)}


def end_all(mark: str, session: int = 0) -> None:
    """Kill them, until there are none."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := marked(mark, session)) and time.monotonic() < deadline:
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(PERIOD_S)


def open_files(pid: int) -> int:
    """Return how many descriptors a process has open."""
    with suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/fd"))
    return 0


def children(pid: int) -> int:
    """Return how many children a process has, those that ended and were not waited for among them."""
    return sum(_status(other)[1:2] == [str(pid)] for other in _pids())


def _pids() -> Iterator[int]:
    return (int(entry) for entry in os.listdir("/proc") if entry.isdecimal() and int(entry) != os.getpid())


def _belongs(pid: int, mark: str, session: int) -> bool:
    status = _status(pid)
    if not status or status[0] in "ZX":
        return False
    if session and status[3] == str(session):
        return True
    try:
        return f"{MARK}={mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _status(pid: int) -> list[str]:
    """Return state, parent, group and session; empty when the process is gone. Source: proc(5)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:4]
    except OSError:
        return []


def _command(pid: int) -> str:
    try:
        return (
            Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        )
    except OSError:
        return ""
