"""Running this machine's programs, and the processes that they leave running."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from opennebula_core.errors import OpenNebulaError

ROOT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
POLL_S: Final = 0.05
_START_TIME: Final = 19
"""Field of ``/proc/PID/stat`` behind the program's name. Source: proc(5)."""


class MachineError(OpenNebulaError):
    """What this machine needs cannot be had."""


def run(argv: Sequence[str], limit_s: float) -> str:
    """Run a program to its end and return what it printed.

    :raises MachineError: it is not there, failed, or did not end in time
    """
    try:
        completed = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit_s,
            check=True,
            env=_environment(),
        )
    except subprocess.CalledProcessError as error:
        said = (error.stderr + error.stdout).decode(errors="replace").strip().splitlines()
        raise MachineError(f"{argv[0]}: {said[-1] if said else f'exit status {error.returncode}'}") from None
    except subprocess.TimeoutExpired:
        raise MachineError(f"{argv[0]}: not done after {limit_s:g} s") from None
    except OSError as error:
        raise MachineError(f"{argv[0]}: {error.strerror}") from None
    return completed.stdout.decode(errors="replace")


def succeeds(argv: Sequence[str], limit_s: float) -> bool:
    """Return whether a program is there and ends with status 0."""
    try:
        run(argv, limit_s)
    except MachineError:
        return False
    return True


def _environment() -> dict[str, str]:
    """Return an environment in which programs for administrators are found, and speak English."""
    path = os.environ.get("PATH", "")
    return {**os.environ, "PATH": f"{path}:{ROOT_PATH}" if path else ROOT_PATH, "LC_ALL": "C.UTF-8"}


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
        start = _start_of(pid)
        return cls(pid, start) if start else None

    def is_alive(self) -> bool:
        """Return whether it still is."""
        return _start_of(self.pid) == self.start

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


def _start_of(pid: int) -> str:
    """Return when a process started; empty when there is none, or only its remains."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[_START_TIME]
