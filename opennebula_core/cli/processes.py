"""The cloud's processes: started in the background, found by their pid files' locks, ended in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from opennebula_core.config.location import Location
from opennebula_core.config.pid_file import running_pid
from opennebula_core.errors import OpenNebulaError

DAEMON, SCHEDULER = "oned", "onesched"
TERM_LIMIT_S, KILL_LIMIT_S = 30.0, 5.0
POLL_S = 0.05


class ProcessError(OpenNebulaError):
    """A process of the cloud does not start or does not end."""


def spawn(location: Location, program: str) -> subprocess.Popen[bytes]:
    """Start a program in the background, in a session of its own, its log in ``var/log``."""
    log = location.log_file(program)
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    environment = {**os.environ, "ONE_LOCATION": str(location)}
    with log.open("ab") as output:
        return subprocess.Popen(
            [_program_path(program)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=str(location),
            env=environment,
        )


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
    _signal(pid, signal.SIGTERM)
    if not wait_for(lambda: not running_pid(location, program), TERM_LIMIT_S):
        _signal(pid, signal.SIGKILL)
        if not wait_for(lambda: not running_pid(location, program), KILL_LIMIT_S):
            raise ProcessError(f"end {program}: process {pid} does not end; look what keeps it")
    return True


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        raise ProcessError(f"end process {pid}: it belongs to another user; run this as that user") from None


def log_tail(location: Location, program: str, lines: int = 10) -> str:
    """Return the end of a program's log."""
    try:
        text = location.log_file(program).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
