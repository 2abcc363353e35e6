"""Pid files: held locked as long as the process lives, so that one that a crash left says nothing."""

from __future__ import annotations

import fcntl
import os
from typing import IO

from opennebula_core.config.location import Location
from opennebula_core.errors import ConfigError


def take_pid_file(location: Location, program: str) -> IO[str]:
    """Lock the program's pid file and write this process's id into it; closing the file gives it back.

    :raises ConfigError: the program runs in this location already
    """
    path = location.pid_file(program)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        raise ConfigError(
            f"{location}: {program} runs here already, process {owner}; `one stop` ends it"
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def running_pid(location: Location, program: str) -> int:
    """Return the process id of a program that runs in this location, 0 when it does not."""
    try:
        with location.pid_file(program).open("r+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return int(file.read().strip() or 0)
    except (FileNotFoundError, ValueError):
        return 0
    return 0
