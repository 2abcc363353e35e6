"""What a live migration without shared storage needs: disks at the destination for libvirt to copy into."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from opennebula_core.contracts.tm import Transfer
from opennebula_core.errors import DriverError
from opennebula_core.remote import Remote
from opennebula_tm_ssh.disks import disk_format, empty_disk, is_in_use, virtual_size
from opennebula_tm_ssh.folders import SHORT, copy, exists, lock_of
from opennebula_tm_ssh.places import SNAPSHOTS_ENDING, VmFile

_DISK = re.compile(r"disk\.([0-9]+)")
_NOT_NEEDED = re.compile(r"checkpoint.*|\..*")
"""Saved memory of an earlier stay, and what is ours."""


@dataclass(frozen=True, slots=True)
class Written:
    """A disk that the guest writes; all others are only read.

    :param format: ``raw`` or ``qcow2``
    """

    name: str
    format: str


def written_disks(vm: Element) -> dict[str, Written]:
    """Return the disks that a VM's guest writes, by file name."""
    found = {}
    for disk in vm.iterfind("TEMPLATE/DISK"):
        number = disk.findtext("DISK_ID", "").strip()
        is_read_only = disk.findtext("READONLY", "").strip().upper() == "YES"
        is_cd = disk.findtext("TYPE", "").strip().upper() == "CDROM"
        if number.isdecimal() and not is_read_only and not is_cd:
            word = disk.findtext("DRIVER") or disk.findtext("FORMAT") or ""
            found[f"disk.{number}"] = Written(f"disk.{number}", disk_format(word.strip()))
    return found


class Premigration:
    """Makes a VM's folder on the host that it will move to.

    Repeated while the guest already runs there, it changes nothing: disks that are as they should be are
    left alone.
    """

    def __init__(self, remote: Remote, source: VmFile, destination: VmFile, transfer: Transfer) -> None:
        self._remote = remote
        self._source = source
        self._destination = destination
        self._transfer = transfer

    async def run(self, vm: Element) -> None:
        """Do it.

        :raises DriverError: there is no such folder, no room, or another disk is there and in use
        """
        written = written_disks(vm)
        for name in await self._files():
            if name in written:
                await self._make_disk(written[name])
            elif not _NOT_NEEDED.fullmatch(name):
                await self._copy(name)

    async def _files(self) -> list[str]:
        snapshots = ["-type", "d", "-name", f"disk.*{SNAPSHOTS_ENDING}"]
        wanted = ["(", "-type", "f", "-o", *snapshots, ")"]
        argv = ["find", self._source.path, "-mindepth", "1", "-maxdepth", "1", *wanted, "-printf", r"%f\0"]
        completed = await self._remote.run(self._source.host, argv, timeout=SHORT)
        names = [name for name in completed.stdout.split("\0") if name]
        if not any(_DISK.fullmatch(name) for name in names):
            self._transfer.report.warning(f"there are no disks in {self._source}")
        return sorted(names)

    async def _make_disk(self, disk: Written) -> None:
        size = await virtual_size(
            self._remote, self._source.host, _in(self._source, disk.name).path, disk.format
        )
        target = _in(self._destination, disk.name)
        if await exists(self._remote, target):
            if await self._has_size(target, disk, size):
                return
            if await is_in_use(self._remote, target.host, target.path, disk.format):
                raise DriverError(f"prepare {target}: another disk is there, and in use; see what runs there")
        await self._remote.make(
            target.host,
            target.path,
            lambda path: empty_disk(path, size, disk.format),
            lock=lock_of(self._transfer),
        )

    async def _has_size(self, target: VmFile, disk: Written, size: int) -> bool:
        try:
            return await virtual_size(self._remote, target.host, target.path, disk.format) == size
        except DriverError as error:
            self._transfer.report.info(f"{target} is made anew: {error}")
            return False

    async def _copy(self, name: str) -> None:
        await copy(self._remote, _in(self._source, name), _in(self._destination, name), self._transfer)


def _in(folder: VmFile, name: str) -> VmFile:
    return VmFile(folder.host, folder.folder, name)
