"""Running this machine's programs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from typing import Final

from opennebula_core.errors import OpenNebulaError

ROOT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


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
