"""Running the machine's own programs, and saying what they said when they fail."""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from opennebula_core.errors import OpenNebulaError

ROOT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class LabError(OpenNebulaError):
    """The lab, or a piece of it, cannot be made or does not do what it was told."""


def run(
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: timedelta | None = None,
) -> str:
    """Run a program to its end and return what it wrote to its standard output.

    :param environment: added to this process's own
    :raises LabError: it ended with a status other than 0, or did not end in time and was killed
    """
    completed = attempt(argv, stdin=stdin, directory=directory, environment=environment, timeout=timeout)
    if completed.returncode:
        said = (completed.stderr + completed.stdout).decode(errors="replace").strip()
        raise LabError(f"run {shlex.join(argv)}: exit status {completed.returncode}: {said}")
    return completed.stdout.decode(errors="replace")


def attempt(
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: timedelta | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end, whatever that is.

    :raises LabError: it did not end in time; then it and its children are killed
    """
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=directory,
        env={**os.environ, **(environment or {})},
        # so that a time-out reaches what nsenter forked, too
        start_new_session=True,
    )
    with process:
        try:
            stdout, stderr = process.communicate(stdin, timeout.total_seconds() if timeout else None)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise LabError(f"run {shlex.join(argv)}: not ended after {timeout}; killed") from None
    return subprocess.CompletedProcess(argv, process.returncode, stdout, stderr)


def succeeds(argv: Sequence[str]) -> bool:
    """Tell whether a program ends with status 0."""
    return attempt(argv).returncode == 0


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file's lock, so that labs that start together build a thing once."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_file(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file anew, with its folders; a symbolic link in its place is replaced, not followed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(mode)
