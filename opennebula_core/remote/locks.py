"""Locks on hosts: one command at a time for a VM, and a new attempt ends what an earlier one left running.

Killing a driver does not stop the command that it started on a host. So a command with a lock runs in a
process group of its own that holds a ``flock`` and has written its number beside it. Who comes later ends
that group (TERM, then KILL), takes the lock, and only then runs.

Locks lie in ``/var/tmp/one-locks-UID``: there for every user, on every Linux, and kept over a reboot.
``NAME.lock`` holds ``GROUP START TOKEN`` of the holder: START is the leader's start time, because process
numbers come back. ``NAME.next`` holds the token of whoever came last; earlier ones that still wait give up,
else the attempt of a dead driver could end that of a living one.

``NAME.TOKEN.ended`` says that an attempt was ended which perhaps had not begun: it gives up when it comes. It
looks for that after having written that it holds the lock, and who ends it writes that before looking who
holds the lock, so that one of both sees the other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from opennebula_core.errors import RemoteError

STATUS_NOT_LOCKED = 75
"""EX_TEMPFAIL of sysexits.h: the lock was not to be had."""

_COMMON = r"""
directory=/var/tmp/one-locks-$(id -u) name=$1 token=$2
ended=$directory/$name.$token.ended
prepare_directory() {
    [ -d "$directory" ] || mkdir "$directory" 2>/dev/null
    if [ -L "$directory" ] || [ ! -d "$directory" ] || [ ! -O "$directory" ]; then
        echo "lock $name: $directory is not a directory of ours; remove it" >&2
        exit 75
    fi
}
# Set start to the start time of process $1, field 22 of its stat; empty when there is no such process.
find_start() {
    start=
    { read -r start <"/proc/$1/stat"; } 2>/dev/null || return
    set -- ${start##*) }
    start=${20}
}
end_holder() {
    group= began= holder=
    read -r group began holder <"$directory/$name.lock" || :
    case $group in '' | *[!0-9]*) return ;; esac
    [ -z "$2" ] || [ "$holder" = "$2" ] || exit 0
    find_start "$group"
    if [ -z "$start" ] || [ "$start" = "$began" ]; then kill -s "$1" -- "-$group" 2>/dev/null; fi
}
is_latest() {
    latest=
    { read -r latest <"$directory/$name.next"; } 2>/dev/null
    [ "$latest" = "$token" ]
}
# Wait for the lock in steps of 0.2 s, and end its holder (only the attempt $1, if that is given):
# TERM at the first step, KILL from the 25th on, give up at the 75th.
contend() {
    step=0
    while ! flock -w 0.2 9; do
        if [ -z "$1" ]; then give_up_when_ended; fi
        if [ -z "$1" ] && ! is_latest; then
            echo "lock $name: a later attempt has taken over" >&2
            exit 75
        fi
        if [ $step -eq 0 ]; then end_holder TERM "$1"; fi
        if [ $step -ge 25 ]; then end_holder KILL "$1"; fi
        if [ $step -ge 75 ]; then
            echo "lock $name: still held by process group $group; see what hangs there" >&2
            exit 75
        fi
        step=$((step + 1))
    done
}
"""

_RUN = (
    _COMMON
    + r"""
give_up_when_ended() {
    [ -e "$ended" ] || return 0
    rm -f "$ended"
    echo "lock $name: this attempt was ended before it began" >&2
    exit 75
}
umask_before=$(umask); umask 077
prepare_directory
give_up_when_ended
printf '%s\n' "$token" >"$directory/.$token" && mv -f "$directory/.$token" "$directory/$name.next" || exit 75
exec 9<>"$directory/$name.lock" || exit 75
contend ''
if ! is_latest; then
    echo "lock $name: a later attempt has taken over" >&2
    exit 75
fi
find_start $$
printf '%s %s %s\n' "$$" "$start" "$token" >"$directory/$name.lock" || exit 75
give_up_when_ended
umask "$umask_before"
shift 2
exec "$@"
"""
)

_END = (
    _COMMON
    + r"""
umask 077
prepare_directory
find "$directory" -maxdepth 1 -name '*.ended' -mmin +1440 -delete
: >"$ended" || exit 75
if is_latest; then rm -f "$directory/$name.next"; fi
exec 9<>"$directory/$name.lock"
contend "$token"
read -r group began holder <"$directory/$name.lock" || :
if [ "$holder" = "$token" ]; then rm -f "$ended"; fi
"""
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")


def locked(argv: Sequence[str], name: str, token: str) -> list[str]:
    """Return the argument vector that runs ``argv`` under the lock ``name``.

    :param token: tells this attempt from all others
    """
    _check(name)
    return ["setsid", "--wait", "sh", "-c", _RUN, "sh", name, token, *argv]


def ending(name: str, token: str) -> list[str]:
    """Return the argument vector that ends the attempt ``token``, if it holds the lock or waits for it."""
    _check(name)
    return ["sh", "-c", _END, "sh", name, token]


def _check(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise RemoteError(f"lock {name!r}: that is no name for a lock; use letters, digits, dots and dashes")
