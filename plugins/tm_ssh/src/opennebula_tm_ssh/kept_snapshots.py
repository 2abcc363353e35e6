"""Snapshots of a persistent disk travel with it: from beside the image to the VM's folder, and back."""

from __future__ import annotations

from opennebula_core.contracts.tm import Location, Transfer
from opennebula_core.remote import Remote
from opennebula_tm_ssh.disks import refusing_foreign
from opennebula_tm_ssh.folders import copy, exists, remove
from opennebula_tm_ssh.places import VmFile, snapshots_beside, snapshots_of


async def bring(remote: Remote, image: Location, disk: VmFile, transfer: Transfer) -> None:
    """Copy those that an image keeps to beside the disk that was made from it."""
    kept, place = snapshots_beside(image), snapshots_of(disk)
    if await exists(remote, kept):
        await copy(remote, kept, place, transfer)


async def bring_back(remote: Remote, disk: VmFile, image: Location, transfer: Transfer) -> None:
    """Have an image keep those of the disk that was written back over it, and no others.

    :raises DriverError: there is something else among them
    """
    place, kept = snapshots_of(disk), snapshots_beside(image)
    if await exists(remote, place):
        await copy(remote, place, kept, transfer, lambda path: refusing_foreign(path, transfer.format))
    elif await exists(remote, kept):
        await remove(remote, kept, transfer)
