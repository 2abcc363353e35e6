"""VM folders as wholes: moved, removed, and told apart from themselves seen over shared storage."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta

from opennebula_core.contracts.tm import Location, Transfer
from opennebula_core.errors import DriverError
from opennebula_core.remote import Remote
from opennebula_tm_ssh.places import VmFile, snapshots_of

SHORT = timedelta(seconds=60)
REMOVAL_TIMEOUT = timedelta(minutes=15)
"""For a file system that takes its time with big files."""

ORIGIN = ".moved-from"
"""In a folder that was moved: where from. It tells a finished move from an old copy when it is repeated."""

# What is removed first gets another name, so that a folder is there either whole or not at all.
_REMOVE = r"""folder=$1 name=$2 token=$3 companion=$4
[ -d "$folder" ] || exit 0
cd -- "$folder" || exit 66
if [ -e "./$name" ] || [ -L "./$name" ]; then
    mv -T -- "./$name" "./.$name.gone-$token" || exit 73
fi
rm -rf -- ./."$name".gone-* ./."$name".part-*
# Behind the disk: without it, a disk would seem to have none any more when it is written back again.
[ -z "$companion" ] || rm -rf -- "./$companion" ./."$companion".part-*
"""

_RENAME = r"""source=$1 folder=$2 name=$3 token=$4 origin=$5
umask 066
mkdir -p -- "$folder" || exit 73
[ "$(stat -c %d -- "$source")" = "$(stat -c %d -- "$folder")" ] || { echo copy; exit 0; }
if [ -e "$folder/$name" ]; then mv -T -- "$folder/$name" "$folder/.$name.gone-$token" || exit 73; fi
if [ -d "$source" ]; then printf '%s' "$origin" >"$source/$6" || exit 74; fi
mv -T -- "$source" "$folder/$name" || exit 73
rm -rf -- "$folder"/."$name".gone-*
"""


def lock_of(transfer: Transfer) -> str:
    """Return the lock under which a VM's files are changed on a machine; the VMM driver takes the same."""
    return f"vm-{transfer.vm_id}"


async def exists(remote: Remote, place: VmFile) -> bool:
    """Whether the file or folder is there."""
    completed = await remote.run(place.host, ["test", "-e", place.path], timeout=SHORT, check=False)
    if completed.status not in (0, 1):
        raise DriverError(f"look for {place}: {completed.stderr.strip()}; see the host")
    return completed.status == 0


async def copy(
    remote: Remote,
    source: VmFile | Location,
    target: VmFile | Location,
    transfer: Transfer,
    finish: Callable[[str], Sequence[str]] | None = None,
) -> None:
    """Copy a file or folder for a transfer, which is told how far it is; the target is replaced at once.

    :param finish: see :meth:`opennebula_core.remote.Remote.copy`
    """
    await remote.copy(
        source.host,
        source.path,
        target.host,
        target.path,
        progress=transfer.report.progress,
        lock=lock_of(transfer),
        finish=finish,
    )


async def remove(remote: Remote, place: VmFile, transfer: Transfer) -> None:
    """Remove a file or folder, and what interrupted attempts left beside it; what is gone is no error.

    With a disk go its snapshots.
    """
    folder, _, name = place.path.rpartition("/")
    companion = snapshots_of(place).name if place.is_disk else ""
    arguments = [folder, name, uuid.uuid4().hex[:12], companion]
    await remote.script(place.host, _REMOVE, arguments, timeout=REMOVAL_TIMEOUT, lock=lock_of(transfer))


async def is_same(remote: Remote, one: VmFile, other: VmFile) -> bool:
    """Whether two places are one and the same, by name or because the storage is shared.

    Names do not tell: so a file is put into the one, and looked for in the other.
    """
    if one.path == other.path and (
        one.host == other.host or (remote.is_local(one.host) and remote.is_local(other.host))
    ):
        return True
    probe = f".probe-{uuid.uuid4().hex}"
    written = await remote.run(one.host, ["touch", f"{one.folder}/{probe}"], timeout=SHORT, check=False)
    if written.status != 0:
        if not await exists(remote, VmFile(one.host, one.folder, "")):
            return False
        raise DriverError(  # not to be told apart: taken for two, one of them might be removed
            f"see whether {one} and {other} are the same: {written.stderr.strip()}; see the host's disks"
        )
    try:
        argv = ["test", "-e", f"{other.folder}/{probe}"]
        return (await remote.run(other.host, argv, timeout=SHORT, check=False)).status == 0
    finally:
        await remote.run(one.host, ["rm", "-f", f"{one.folder}/{probe}"], timeout=SHORT)


class Move:
    """One move of a VM's folder, or of a file in it.

    The copy gets its name when it is whole, and only then the source loses its own, all at once. So, whenever
    it was interrupted: if the source is there, it is whole, and is moved again; if not, the copy is whole.
    """

    def __init__(self, remote: Remote, source: VmFile, destination: VmFile, transfer: Transfer) -> None:
        self._remote = remote
        self._source = source
        self._destination = destination
        self._transfer = transfer

    async def run(self) -> None:
        """Do it.

        :raises DriverError: the source is gone, and was not moved to the destination
        """
        if await is_same(self._remote, self._source, self._destination):
            self._transfer.report.info(f"{self._source} is where it shall be")
            return
        if not await exists(self._remote, self._source):
            await self._check_moved()
        elif not await self._rename():
            await self._copy()
        await remove(self._remote, self._source, self._transfer)

    async def _check_moved(self) -> None:
        """See that an earlier attempt has brought the source here.

        There is none before the first: what looks like it is a copy of an earlier stay, whose mark goes, or
        the second attempt would take it for the first one's.
        """
        is_there = await exists(self._remote, self._destination)
        if self._transfer.attempt == 1 and is_there and not self._destination.name:
            argv = ["rm", "-f", "--", f"{self._destination.path}/{ORIGIN}"]
            await self._remote.run(self._destination.host, argv, timeout=SHORT)
        if is_there and not self._destination.name:
            argv = ["cat", "--", f"{self._destination.path}/{ORIGIN}"]
            found = await self._remote.run(self._destination.host, argv, timeout=SHORT, check=False)
            is_there = found.stdout == str(self._source)
        if not is_there:
            raise DriverError(
                f"move {self._source} to {self._destination}: the source is not there, and what is at the "
                "destination did not come from it; see the host's disks"
            )

    async def _rename(self) -> bool:
        """Rename on one machine and file system; return whether that was possible."""
        source, destination = self._source, self._destination
        is_one_machine = self._remote.is_local(source.host) and self._remote.is_local(destination.host)
        if not is_one_machine and source.host != destination.host:
            return False
        folder, _, name = destination.path.rpartition("/")
        arguments = [source.path, folder, name, uuid.uuid4().hex[:12], str(source), ORIGIN]
        completed = await self._remote.script(
            destination.host, _RENAME, arguments, timeout=REMOVAL_TIMEOUT, lock=lock_of(self._transfer)
        )
        return completed.stdout != "copy\n"

    async def _copy(self) -> None:
        marked = ["sh", "-c", '[ ! -d "$1" ] || printf %s "$2" >"$1/$3"', "sh"]
        await copy(
            self._remote,
            self._source,
            self._destination,
            self._transfer,
            finish=lambda path: [*marked, path, str(self._source), ORIGIN],
        )
