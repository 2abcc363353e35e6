"""Which paths the driver works on: nothing outside of the VM's own folder is ever written or removed."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from opennebula_core.contracts.tm import Location, Transfer
from opennebula_core.errors import DriverError

DATASTORES = "datastores"
SNAPSHOTS_ENDING = ".snap"
"""Of the folder with a disk's snapshots, each under its number. Source: OpenNebula's ssh driver."""
_DISK = re.compile(r"disk\.[0-9]+")


@dataclass(frozen=True, slots=True)
class VmFile:
    """The folder of a VM on a machine, or something in it.

    :param folder: the VM's folder
    :param name: what lies in the folder; empty for the folder itself
    """

    host: str
    folder: str
    name: str

    @property
    def path(self) -> str:
        """The whole path."""
        return posixpath.join(self.folder, self.name) if self.name else self.folder

    @property
    def is_disk(self) -> bool:
        """Whether it is a disk, ``disk.N``."""
        return _DISK.fullmatch(self.name) is not None

    def __str__(self) -> str:
        return f"{self.host}:{self.path}" if self.host else self.path


def plain(location: Location) -> Location:
    """Return the location with doubled slashes removed, which OpenNebula's own core writes.

    :raises DriverError: the path is not absolute, or climbs up
    """
    path = location.path
    if not path.startswith("/") or ".." in path.split("/"):
        raise DriverError(f"use {str(location)!r}: it is no absolute path without '..'; correct it")
    return Location(location.host, "/" + posixpath.normpath(path).lstrip("/"))


def vm_file(location: Location, transfer: Transfer, root: str = "") -> VmFile:
    """Return the VM's folder, or the file in it, that a location names.

    It must lie below ``datastores/DATASTORE_ID/VM_ID``.

    :param root: the folder of the datastores on hosts, where that has another name
    :raises DriverError: it lies anywhere else
    """
    place = plain(location)
    roots = [rf"(?:/[^/]+)*/{DATASTORES}"]
    if root.strip("/"):
        roots.append(re.escape(plain(Location("", root)).path))
    pattern = (
        rf"(?P<folder>(?:{'|'.join(roots)})/[0-9]+/{transfer.vm_id})(?:/(?P<name>[^/\n]+(?:/[^/\n]+)*))?"
    )
    match = re.fullmatch(pattern, place.path)
    if match is None:
        raise DriverError(
            f"VM {transfer.vm_id}: {str(location)!r} is not in a folder of that VM; expected "
            f".../{DATASTORES}/DATASTORE/{transfer.vm_id}"
        )
    return VmFile(place.host, match["folder"], match["name"] or "")


def snapshots_of(disk: VmFile) -> VmFile:
    """Return the folder of a disk's snapshots, ``disk.N.snap``."""
    return VmFile(disk.host, disk.folder, f"{disk.name}{SNAPSHOTS_ENDING}")


def snapshots_beside(image: Location) -> VmFile:
    """Return the folder of the snapshots that a persistent image keeps, beside the image."""
    folder, name = posixpath.split(image.path)
    return VmFile(image.host, folder, f"{name}{SNAPSHOTS_ENDING}")


def snapshot_of(disk: VmFile, snapshot_id: int) -> VmFile:
    """Return where a snapshot of a disk is: ``disk.N.snap/ID``.

    :raises DriverError: what is named is no disk
    """
    if not disk.is_disk or snapshot_id < 0:
        raise DriverError(f"snapshot {snapshot_id} of {disk}: that is no disk; correct the request")
    return VmFile(disk.host, disk.folder, f"{disk.name}{SNAPSHOTS_ENDING}/{snapshot_id}")
