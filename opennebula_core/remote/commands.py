"""What every command that we run on a machine is wrapped in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from opennebula_core.errors import DriverError
from opennebula_core.remote.machine import Completed

KILL_AFTER_S = 5
GRACE = timedelta(seconds=5)
"""How much later than ours the host's own time limit comes: it is for hosts that we lost."""

STATUS_NOT_FOUND = 127
REASON_LENGTH = 1000

# Messages in English, because some are parsed; and the directories of ip, mkfs and their like, which
# unprivileged users on some systems do not have in their path.
_PROLOGUE = 'export LC_ALL=C; export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"; exec "$@"'


def wrapped(argv: Sequence[str]) -> list[str]:
    """Return the argument vector that runs ``argv`` with our environment."""
    return ["sh", "-c", _PROLOGUE, "sh", *argv]


def limited(argv: Sequence[str], limit: timedelta) -> list[str]:
    """Return the argument vector that ends ``argv`` on the host itself a little after ``limit``."""
    return ["timeout", "-k", str(KILL_AFTER_S), f"{(limit + GRACE).total_seconds():g}", *argv]


def checked(completed: Completed, host: str, what: str) -> Completed:
    """Return ``completed`` when it went well.

    :param what: what was being done, such as ``run 'virsh'``
    :raises DriverError: its exit status is not 0; with what it wrote to its error output
    """
    if completed.status == 0:
        return completed
    where = f"on {host!r}" if host else "on this machine"
    if completed.status == STATUS_NOT_FOUND:
        raise DriverError(f"{what} {where}: not found: {_folded(completed.stderr)}; install it there")
    reason = _folded(completed.stderr) or _folded(completed.stdout) or "it says nothing"
    raise DriverError(f"{what} {where}: {reason}; exit status {completed.status}")


def _folded(text: str) -> str:
    """Return the end of ``text`` on one line."""
    return " ".join(text.split())[-REASON_LENGTH:]
