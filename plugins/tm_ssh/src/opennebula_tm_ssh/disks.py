"""Disk files: how big they are inside, and the commands that make, grow and look at them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import timedelta

from opennebula_core.errors import DriverError
from opennebula_core.remote import Remote

LOOK_TIMEOUT = timedelta(seconds=60)
BYTES_PER_MIB = 1024 * 1024

RAW = "raw"
QCOW2 = "qcow2"
SWAP = "swap"

# A qcow2 file that names other files would have QEMU open those, wherever its next guest runs. Offsets in its
# header: 8 backing file, 4 version, 79 the last byte of the incompatible features (4: external data).
_CHECK = r"""
field() { od -An -v -tx1 -j "$2" -N "$3" -- "$1" | tr -d ' \n'; }
check() {
    if [ "$(field "$1" 0 4)" != 514649fb ]; then
        [ "$2" != qcow2 ] || { echo "it is no qcow2 disk" >&2; exit 65; }
        return
    fi
    if [ "$(field "$1" 8 8)" != 0000000000000000 ]; then echo "it has a backing file" >&2; exit 65; fi
    if [ "$(field "$1" 4 4)" != 00000002 ] && [ $((0x$(field "$1" 79 1) & 4)) -ne 0 ]; then
        echo "its data are in another file" >&2
        exit 65
    fi
}
"""
_REFUSE_REFERENCES = _CHECK + 'check "$1" "$2"\n'
_REFUSE_FOREIGN = (
    _CHECK
    + r"""
cd -- "$1" || exit 66
find . -mindepth 1 -maxdepth 1 -name '.*' -exec rm -rf -- {} +  # what interrupted attempts have left
other=$(find . -mindepth 1 \( -type f -path './[0-9]*' ! -path './*[!0-9]*' -o -print \) | head -n 1)
[ -z "$other" ] || { echo "it holds $other, which is no snapshot" >&2; exit 65; }
[ "$2" = raw ] && exit
for file in [0-9]*; do [ ! -f "$file" ] || check "$file" "$2"; done
"""
)

_FILE_SYSTEM = re.compile(r"[a-z][a-z0-9]{1,15}")


def disk_format(word: str) -> str:
    """Return the format for what a template or request says; what is neither format is a raw disk.

    It is never read from the disk itself: a guest could have written another format's header there.
    """
    return QCOW2 if word.lower() == QCOW2 else RAW


def empty_disk(path: str, size_bytes: int, made: str) -> list[list[str]]:
    """Return the commands that make an empty disk.

    :param made: ``raw``, ``qcow2``, ``swap`` or the name of a file system
    :raises DriverError: that is no format
    """
    if made == QCOW2:
        return [["qemu-img", "create", "-q", "-f", QCOW2, path, str(size_bytes)]]
    blank = ["truncate", "-s", str(size_bytes), path]
    if made == RAW:
        return [blank]
    if made == SWAP:
        return [blank, ["mkswap", path]]
    if not _FILE_SYSTEM.fullmatch(made):
        raise DriverError(f"make a disk: {made!r} is no format; use raw, qcow2, swap or a file system")
    return [blank, ["mkfs", "-t", made, path]]


def growing(path: str, size_bytes: int, format: str) -> list[str]:
    """Return the command that grows a disk which is smaller."""
    if format == QCOW2:
        return ["qemu-img", "resize", "-q", "-f", QCOW2, path, str(size_bytes)]
    return ["truncate", "-s", f">{size_bytes}", path]


def refusing_references(path: str, format: str) -> list[str]:
    """Return the command that fails for a disk which needs other files.

    :param format: as far as it is known: what is known to be raw may look like anything
    """
    return ["true"] if format == RAW else ["sh", "-c", _REFUSE_REFERENCES, "sh", path, format]


def refusing_foreign(path: str, format: str) -> list[str]:
    """Return the command that fails for a folder which holds anything but snapshots of a disk.

    :param format: of the disk; :func:`refusing_references` says which snapshots are refused
    """
    return ["sh", "-c", _REFUSE_FOREIGN, "sh", path, format]


async def virtual_size(remote: Remote, host: str, path: str, format: str) -> int:
    """Return how many bytes a guest sees of a disk; works also while one uses it.

    :raises DriverError: there is no such disk, or it is of another format
    """
    if format == RAW:
        completed = await remote.run(host, ["stat", "-L", "-c", "%s", "--", path], timeout=LOOK_TIMEOUT)
        return _number(completed.stdout.strip(), path)
    argv = ["qemu-img", "info", "--output=json", "-U", "-f", format, path]
    completed = await remote.run(host, argv, timeout=LOOK_TIMEOUT)
    try:
        return _number(json.loads(completed.stdout)["virtual-size"], path)
    except (ValueError, KeyError, TypeError):
        raise DriverError(
            f"look at {path} on {host!r}: qemu-img's answer has no size; see its version"
        ) from None


async def is_in_use(remote: Remote, host: str, path: str, format: str) -> bool:
    """Whether a guest has the disk open; QEMU locks the disks that it uses."""
    argv: Sequence[str] = ["qemu-img", "info", "-f", format, path]
    completed = await remote.run(host, argv, timeout=LOOK_TIMEOUT, check=False)
    return completed.status != 0 and "lock" in completed.stderr


def _number(value: object, path: str) -> int:
    if isinstance(value, bool) or not str(value).isdecimal():
        raise DriverError(f"look at {path}: {value!r} is no size; see what it is")
    return int(str(value))
