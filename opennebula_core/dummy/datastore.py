"""The dummy datastore driver: images that are names."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import ClassVar, Final

from opennebula_core.contracts.datastore import (
    Datastore,
    DatastoreAction,
    DatastoreDriver,
    DatastoreUsage,
    ImageFile,
    ImageRequest,
)
from opennebula_core.contracts.driver import DriverContext, Option
from opennebula_core.dummy.behaviour import OPTIONS, Act, Behaviour

STAT_MIB: Final = 1024
"""The size of every file. Source: OpenNebula's dummy datastore driver, 6.10-datastore.txt."""

TOTAL_MIB: Final = 1024 * 1024
USED_MIB: Final = 9720


class DummyDatastore(DatastoreDriver):
    """Keeps no file; takes as long and fails as often as it is told."""

    options: ClassVar[tuple[Option, ...]] = (
        *OPTIONS,
        Option("size_mib", int, STAT_MIB, "Size that every file is said to have, in MiB."),
    )

    optional_actions: ClassVar[frozenset[DatastoreAction]] = frozenset(DatastoreAction)

    def __init__(self, context: DriverContext) -> None:
        super().__init__(context)
        self._behaviour = Behaviour("datastore", self)

    async def stat(self, image: ImageRequest, datastore: Datastore) -> int:
        """Return the size that every file has."""
        await self._before("STAT", image, datastore)
        return int(self.setting("size_mib"))

    async def copy(self, image: ImageRequest, datastore: Datastore) -> ImageFile:
        """Return where the image would be."""
        return await self._made("CP", image, datastore)

    async def make(self, image: ImageRequest, datastore: Datastore) -> ImageFile:
        """Return where the image would be."""
        return await self._made("MKFS", image, datastore)

    async def clone(self, image: ImageRequest, datastore: Datastore) -> ImageFile:
        """Return where the image would be."""
        return await self._made("CLONE", image, datastore)

    async def remove(self, image: ImageRequest, datastore: Datastore) -> None:
        """Remove nothing."""
        await self._before("RM", image, datastore)

    async def snap_delete(self, image: ImageRequest, snapshot_id: int, datastore: Datastore) -> None:
        """Remove nothing."""
        await self._before("SNAP_DELETE", image, datastore)

    async def snap_revert(self, image: ImageRequest, snapshot_id: int, datastore: Datastore) -> None:
        """Bring nothing back."""
        await self._before("SNAP_REVERT", image, datastore)

    async def snap_flatten(self, image: ImageRequest, snapshot_id: int, datastore: Datastore) -> None:
        """Remove nothing."""
        await self._before("SNAP_FLATTEN", image, datastore)

    async def monitor(self, datastore: Datastore) -> DatastoreUsage:
        """Return a large store, hardly used."""
        await self._behaviour.before(Act("MONITOR", datastore.datastore_id))
        return DatastoreUsage(TOTAL_MIB, USED_MIB, TOTAL_MIB - USED_MIB)

    async def _made(self, action: str, image: ImageRequest, datastore: Datastore) -> ImageFile:
        await self._before(action, image, datastore)
        source = PurePosixPath(datastore.base_path or "/") / f"dummy-{image.image_id}"
        return ImageFile(str(source), image.format or "raw")

    async def _before(self, action: str, image: ImageRequest, datastore: Datastore) -> None:
        await self._behaviour.before(Act(action, image.image_id, report=image.report))
