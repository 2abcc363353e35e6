"""The driver: images are files below the datastore's folder, one for each image."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import ClassVar

from opennebula_core.contracts.datastore import (
    Datastore,
    DatastoreDriver,
    DatastoreUsage,
    ImageFile,
    ImageRequest,
)
from opennebula_core.contracts.driver import Option
from opennebula_core.errors import DriverError
from opennebula_datastore_fs.download import download, is_address, remote_size
from opennebula_datastore_fs.files import copy_file, place, temporary_beside
from opennebula_datastore_fs.images import detect, make_image
from opennebula_datastore_fs.paths import allowed_source, image_file, inside

MIB = 1 << 20


class FsDatastoreDriver(DatastoreDriver):
    """Keeps images as files; the name is made from the image's id and the text it was made from.

    So an action that is repeated after a crash finds, and does not double, what the first one left.
    """

    options: ClassVar[tuple[Option, ...]] = (
        Option("download_timeout_s", int, 3600, "longest time a download of an image may take"),
        Option("max_download_mib", int, 1 << 20, "largest image that is downloaded"),
    )

    async def stat(self, image: ImageRequest, datastore: Datastore) -> int:
        """Return the virtual size in MiB, rounded up; of a compressed download what its server says."""
        if is_address(image.path):
            size = await asyncio.to_thread(remote_size, image.path)
            return max(1, -(-size // MIB))
        source = allowed_source(image.path, datastore, self.driver_context.location)
        found = await detect(source)
        return max(1, -(-found.virtual_size // MIB))

    async def copy(self, image: ImageRequest, datastore: Datastore) -> ImageFile:
        """Bring a file or download in; a raw or qcow2 image without strings to other files."""
        target = image_file(datastore, image.image_id, image.path)
        if not target.exists():
            temporary = temporary_beside(target)
            try:
                await self._fetch(image, datastore, temporary)
                await detect(temporary)
                await asyncio.to_thread(place, temporary, target)
            finally:
                temporary.unlink(missing_ok=True)
        found = await detect(target)
        return ImageFile(str(target), found.format)

    async def _fetch(self, image: ImageRequest, datastore: Datastore, temporary: Path) -> None:
        if is_address(image.path):
            limit = int(self.setting("max_download_mib")) * MIB
            timeout_s = int(self.setting("download_timeout_s"))
            await asyncio.to_thread(download, image.path, temporary, limit, timeout_s, image.report)
            return
        source = allowed_source(image.path, datastore, self.driver_context.location)
        await asyncio.to_thread(copy_file, source, temporary, image.report)

    async def make(self, image: ImageRequest, datastore: Datastore) -> ImageFile:
        """Make an empty image, with a file system when one is named."""
        target = image_file(datastore, image.image_id, f"{image.size_mib} {image.fs}")
        format = image.format or "raw"
        if not target.exists():
            temporary = temporary_beside(target)
            try:
                await make_image(temporary, image.size_mib, format, image.fs)
                await asyncio.to_thread(place, temporary, target)
            finally:
                temporary.unlink(missing_ok=True)
        return ImageFile(str(target), format)

    async def clone(self, image: ImageRequest, datastore: Datastore) -> ImageFile:
        """Copy an image of this front-end's datastores."""
        source = Path(image.path)
        root = Path(datastore.base_path).parent
        if not inside(source, root) or not source.is_file():
            raise DriverError(
                f"clone {image.path!r}: it is no image below {root}; see the SOURCE of the original"
            )
        target = image_file(datastore, image.image_id, image.path)
        if not target.exists():
            temporary = temporary_beside(target)
            try:
                await asyncio.to_thread(copy_file, source, temporary, image.report)
                await asyncio.to_thread(place, temporary, target)
            finally:
                temporary.unlink(missing_ok=True)
        found = await detect(target)
        return ImageFile(str(target), found.format)

    async def remove(self, image: ImageRequest, datastore: Datastore) -> None:
        """Remove an image's file; one that lies outside the datastore is never touched."""
        source = Path(image.source)
        if not inside(source, Path(datastore.base_path)):
            raise DriverError(
                f"remove {image.source!r}: it is not below {datastore.base_path}; remove it by hand"
            )
        await asyncio.to_thread(source.unlink, missing_ok=True)

    async def monitor(self, datastore: Datastore) -> DatastoreUsage:
        """Return the room on the file system; ``used`` is what the datastore itself takes."""
        base = Path(datastore.base_path)
        base.mkdir(mode=0o750, parents=True, exist_ok=True)
        usage = await asyncio.to_thread(shutil.disk_usage, base)
        used = await asyncio.to_thread(_used_bytes, base)
        return DatastoreUsage(usage.total // MIB, used // MIB, usage.free // MIB)


def _used_bytes(base: Path) -> int:
    """Return what the files below a folder take on the disk; sparse ones take less than they show."""
    with os.scandir(base) as entries:
        return sum(entry.stat(follow_symlinks=False).st_blocks * 512 for entry in entries if entry.is_file())
