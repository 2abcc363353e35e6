"""The dummy transfer driver: every transfer succeeds, and nothing is moved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import ClassVar
from xml.etree.ElementTree import Element

from opennebula_core.contracts.driver import DriverContext, Option
from opennebula_core.contracts.tm import Location, TmAction, TmDriver, Transfer
from opennebula_core.dummy.behaviour import OPTIONS, Act, Behaviour
from opennebula_core.dummy.guests import GuestFiles


class DummyTm(TmDriver):
    """Moves nothing; takes as long and fails as often as it is told."""

    options: ClassVar[tuple[Option, ...]] = OPTIONS
    optional_actions: ClassVar[frozenset[TmAction]] = frozenset(
        {
            TmAction.CPDS,
            TmAction.RESIZE,
            TmAction.SNAP_CREATE,
            TmAction.SNAP_REVERT,
            TmAction.SNAP_DELETE,
        }
    )

    def __init__(self, context: DriverContext) -> None:
        super().__init__(context)
        self._guests = GuestFiles(context.location)
        self._behaviour = Behaviour("tm", self)

    async def clone(self, source: Location, destination: Location, transfer: Transfer) -> None:
        """Copy nothing."""
        await self._before(TmAction.CLONE, destination.host, transfer)

    async def link(self, source: Location, destination: Location, transfer: Transfer) -> None:
        """Link nothing."""
        await self._before(TmAction.LN, destination.host, transfer)

    async def make_image(self, size_mib: int, format: str, destination: Location, transfer: Transfer) -> None:
        """Make nothing."""
        await self._before(TmAction.MKIMAGE, destination.host, transfer)

    async def context(
        self, files: Sequence[tuple[str, str]], destination: Location, transfer: Transfer
    ) -> None:
        """Make no CD."""
        await self._before(TmAction.CONTEXT, destination.host, transfer)

    async def move(self, source: Location, destination: Location, transfer: Transfer) -> None:
        """Move nothing."""
        await self._before(TmAction.MV, destination.host, transfer)

    async def move_back(self, disk: Location, image: Location, transfer: Transfer) -> None:
        """Write nothing back."""
        await self._before(TmAction.MVDS, disk.host, transfer)

    async def delete(self, target: Location, transfer: Transfer) -> None:
        """Remove the guest's checkpoint, which a VM's folder would hold."""
        await self._before(TmAction.DELETE, target.host, transfer)
        if PurePosixPath(target.path).name == str(transfer.vm_id):
            self._guests.forget(transfer.vm_id)

    async def copy_back(self, disk: Location, image: Location, snapshot_id: int, transfer: Transfer) -> None:
        """Copy nothing back."""
        await self._before(TmAction.CPDS, disk.host, transfer)

    async def resize(self, disk: Location, size_mib: int, transfer: Transfer) -> None:
        """Grow nothing."""
        await self._before(TmAction.RESIZE, disk.host, transfer)

    async def snap_create(self, disk: Location, snapshot_id: int, transfer: Transfer) -> None:
        """Keep nothing."""
        await self._before(TmAction.SNAP_CREATE, disk.host, transfer)

    async def snap_revert(self, disk: Location, snapshot_id: int, transfer: Transfer) -> None:
        """Bring nothing back."""
        await self._before(TmAction.SNAP_REVERT, disk.host, transfer)

    async def snap_delete(self, disk: Location, snapshot_id: int, transfer: Transfer) -> None:
        """Remove nothing."""
        await self._before(TmAction.SNAP_DELETE, disk.host, transfer)

    async def premigrate(
        self, source_host: str, destination_host: str, directory: str, vm: Element, transfer: Transfer
    ) -> None:
        """Prepare nothing."""
        await self._before(TmAction.PREMIGRATE, destination_host, transfer)

    async def postmigrate(
        self, source_host: str, destination_host: str, directory: str, vm: Element, transfer: Transfer
    ) -> None:
        """Remove nothing on the source."""
        await self._before(TmAction.POSTMIGRATE, source_host, transfer)

    async def failmigrate(
        self, source_host: str, destination_host: str, directory: str, vm: Element, transfer: Transfer
    ) -> None:
        """Remove nothing on the destination."""
        await self._before(TmAction.FAILMIGRATE, destination_host, transfer)

    async def _before(self, action: TmAction, host: str, transfer: Transfer) -> None:
        act = Act(action, transfer.vm_id, host, transfer.attempt, transfer.report)
        await self._behaviour.before(act)
