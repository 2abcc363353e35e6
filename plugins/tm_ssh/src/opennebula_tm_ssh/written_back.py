"""The note, beside an image, that a VM's disk has been written back over it.

A script that is repeated may find the disk gone, because an earlier attempt has come past its removal. A disk
that was lost on its host looks the same; only the note tells them apart.
"""

from __future__ import annotations

import posixpath

from opennebula_core.contracts.tm import Location, Transfer
from opennebula_core.remote import Remote
from opennebula_tm_ssh.folders import SHORT, lock_of
from opennebula_tm_ssh.places import VmFile


def note_path(image: Location) -> str:
    """Return the path of an image's note; the datastore removes it with the image."""
    folder, name = posixpath.split(image.path)
    return posixpath.join(folder, f".{name}.written-back")


async def forget(remote: Remote, image: Location) -> None:
    """Remove the note: a VM begins to use the image, and none of its disks has been written back yet."""
    await remote.run(image.host, ["rm", "-f", "--", note_path(image)], timeout=SHORT)


async def note(remote: Remote, disk: VmFile, image: Location, transfer: Transfer) -> None:
    """Write the note; it is on disk when this returns."""
    text, lock = _text(disk, transfer), lock_of(transfer)
    await remote.write(image.host, note_path(image), text, timeout=SHORT, lock=lock)


async def is_noted(remote: Remote, disk: VmFile, image: Location, transfer: Transfer) -> bool:
    """Whether the note says that this disk of this VM is what the image holds."""
    found = await remote.run(image.host, ["cat", "--", note_path(image)], timeout=SHORT, check=False)
    return found.status == 0 and found.stdout == _text(disk, transfer)


def _text(disk: VmFile, transfer: Transfer) -> str:
    return f"VM {transfer.vm_id}: {disk}\n"
