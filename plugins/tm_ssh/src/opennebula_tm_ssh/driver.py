"""The transfer driver for hosts without shared storage."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any, ClassVar, ParamSpec
from xml.etree.ElementTree import Element

from opennebula_core.contracts.driver import DriverContext, Option
from opennebula_core.contracts.tm import Location, TmAction, TmDriver, Transfer
from opennebula_core.errors import DriverError, RemoteError
from opennebula_core.remote import REMOTE_OPTIONS, Remote, RemoteOptions
from opennebula_tm_ssh import kept_snapshots, written_back
from opennebula_tm_ssh.context_cd import context_cd
from opennebula_tm_ssh.disks import (
    BYTES_PER_MIB,
    disk_format,
    empty_disk,
    growing,
    refusing_references,
    virtual_size,
)
from opennebula_tm_ssh.folders import Move, copy, exists, is_same, lock_of, remove
from opennebula_tm_ssh.migration import Premigration
from opennebula_tm_ssh.places import VmFile, plain, snapshot_of, vm_file

P = ParamSpec("P")

GROWING_TIMEOUT = timedelta(minutes=5)

OPTIONS = (
    *REMOTE_OPTIONS,
    Option("bandwidth_mib_s", float, 0.0, "Limit of each transfer between machines, in MiB/s; 0: none."),
    Option(
        "datastores", str, "", "Folder of the datastores on the hosts, if its name is not ``datastores``."
    ),
)


def _failing_as_driver(method: Callable[P, Awaitable[None]]) -> Callable[P, Coroutine[Any, Any, None]]:
    """Turn a host that cannot be reached into what a driver may raise."""

    @functools.wraps(method)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await method(*args, **kwargs)
        except RemoteError as error:
            raise DriverError(str(error)) from error

    return wrapped


class SshTransferDriver(TmDriver):
    """Moves disks between the front-end and hosts, and between hosts, over ssh; through the front-end.

    A place whose host is this very machine is worked on without ssh, in the same way.
    """

    options: ClassVar[tuple[Option, ...]] = OPTIONS
    optional_actions: ClassVar[frozenset[TmAction]] = frozenset(
        {
            TmAction.CPDS,
            TmAction.RESIZE,
            TmAction.SNAP_CREATE,
            TmAction.SNAP_REVERT,
            TmAction.SNAP_DELETE,
            TmAction.PREMIGRATE,
            TmAction.POSTMIGRATE,
            TmAction.FAILMIGRATE,
        }
    )

    def __init__(self, context: DriverContext) -> None:
        super().__init__(context)
        options = RemoteOptions.from_driver(self, float(self.setting("bandwidth_mib_s")))
        self._remote = Remote(options)

    async def close(self) -> None:
        """Close all connections."""
        await self._remote.close()

    @_failing_as_driver
    async def clone(self, source: Location, destination: Location, transfer: Transfer) -> None:
        """Copy an image to become a VM's own disk, and grow it if it is to be larger."""
        image, disk = plain(source), self._file(destination, transfer)
        format = disk_format(transfer.format)
        size = transfer.size_mib * BYTES_PER_MIB
        has_to_grow = size > 0 and size > await virtual_size(self._remote, image.host, image.path, format)
        finish = (lambda path: growing(path, size, format)) if has_to_grow else None
        await copy(self._remote, image, disk, transfer, finish)

    async def link(self, source: Location, destination: Location, transfer: Transfer) -> None:
        """Copy a persistent image: there is no shared storage; :meth:`move_back` brings it back."""
        await self.clone(source, destination, transfer)
        await self._link_rest(plain(source), self._file(destination, transfer), transfer)

    @_failing_as_driver
    async def _link_rest(self, image: Location, disk: VmFile, transfer: Transfer) -> None:
        await kept_snapshots.bring(self._remote, image, disk, transfer)
        await written_back.forget(self._remote, image)

    @_failing_as_driver
    async def make_image(self, size_mib: int, format: str, destination: Location, transfer: Transfer) -> None:
        """Make an empty disk."""
        disk = self._file(destination, transfer)
        if size_mib <= 0:
            raise DriverError(f"make {disk}: a size of {size_mib} MiB; give the disk a SIZE")
        await self._remote.make(
            disk.host,
            disk.path,
            lambda path: empty_disk(path, size_mib * BYTES_PER_MIB, format.lower()),
            lock=lock_of(transfer),
        )

    @_failing_as_driver
    async def context(
        self, files: Sequence[tuple[str, str]], destination: Location, transfer: Transfer
    ) -> None:
        """Make the context CD and put it on the host."""
        disk = self._file(destination, transfer)
        async with context_cd(self._remote, files) as image:
            await self._remote.put(image, disk.host, disk.path, lock=lock_of(transfer))

    @_failing_as_driver
    async def move(self, source: Location, destination: Location, transfer: Transfer) -> None:
        """Move a VM's folder; a disk in it moves with its folder, so its own line does nothing."""
        here, there = self._file(source, transfer), self._file(destination, transfer)
        if here.is_disk and there.is_disk:
            return
        await Move(self._remote, here, there, transfer).run()

    @_failing_as_driver
    async def move_back(self, disk: Location, image: Location, transfer: Transfer) -> None:
        """Write a persistent disk back over its image, which is replaced at once, and its snapshots.

        In a repeated script the disk may have been written back and removed already; a note beside the image
        says so.
        """
        written, target = self._file(disk, transfer), plain(image)
        if await exists(self._remote, written):
            await self._bring_back(written, target, transfer)
            await kept_snapshots.bring_back(self._remote, written, target, transfer)
            await written_back.note(self._remote, written, target, transfer)
        elif await written_back.is_noted(self._remote, written, target, transfer):
            transfer.report.warning(f"{written} is gone: an earlier attempt has written it back")
        else:
            raise DriverError(
                f"write {written} back over {target}: no such file, and it was not written back before; "
                "see the host's disks"
            )

    @_failing_as_driver
    async def copy_back(self, disk: Location, image: Location, snapshot_id: int, transfer: Transfer) -> None:
        """Copy a disk, or a snapshot of it, to an image in the datastore."""
        written = self._file(disk, transfer)
        if snapshot_id >= 0:
            written = snapshot_of(written, snapshot_id)
        await self._bring_back(written, plain(image), transfer)

    async def _bring_back(self, disk: VmFile, image: Location, transfer: Transfer) -> None:
        await copy(
            self._remote, disk, image, transfer, lambda path: refusing_references(path, transfer.format)
        )

    @_failing_as_driver
    async def delete(self, target: Location, transfer: Transfer) -> None:
        """Remove a disk file or a VM's folder."""
        await remove(self._remote, self._file(target, transfer), transfer)

    @_failing_as_driver
    async def resize(self, disk: Location, size_mib: int, transfer: Transfer) -> None:
        """Grow a disk; one that is as large already is left alone."""
        grown, format = self._file(disk, transfer), disk_format(transfer.format)
        size = size_mib * BYTES_PER_MIB
        if size > await virtual_size(self._remote, grown.host, grown.path, format):
            await self._remote.run(
                grown.host, growing(grown.path, size, format), timeout=GROWING_TIMEOUT, lock=lock_of(transfer)
            )

    @_failing_as_driver
    async def snap_create(self, disk: Location, snapshot_id: int, transfer: Transfer) -> None:
        """Copy the disk beside itself; where the file system can, the copy shares its blocks."""
        here = self._file(disk, transfer)
        await copy(self._remote, here, snapshot_of(here, snapshot_id), transfer)

    @_failing_as_driver
    async def snap_revert(self, disk: Location, snapshot_id: int, transfer: Transfer) -> None:
        """Copy the snapshot over the disk, which is replaced at once."""
        here = self._file(disk, transfer)
        await copy(self._remote, snapshot_of(here, snapshot_id), here, transfer)

    @_failing_as_driver
    async def snap_delete(self, disk: Location, snapshot_id: int, transfer: Transfer) -> None:
        """Remove the snapshot's copy."""
        await remove(self._remote, snapshot_of(self._file(disk, transfer), snapshot_id), transfer)

    @_failing_as_driver
    async def premigrate(
        self, source_host: str, destination_host: str, directory: str, vm: Element, transfer: Transfer
    ) -> None:
        """Make the folder at the destination: empty disks as large as the guest's, copies of all else."""
        here, there = self._folders(source_host, destination_host, directory, transfer)
        if not await is_same(self._remote, here, there):
            await Premigration(self._remote, here, there, transfer).run(vm)

    @_failing_as_driver
    async def postmigrate(
        self, source_host: str, destination_host: str, directory: str, vm: Element, transfer: Transfer
    ) -> None:
        """Remove the folder on the source."""
        here, there = self._folders(source_host, destination_host, directory, transfer)
        if not await is_same(self._remote, here, there):
            await remove(self._remote, here, transfer)

    @_failing_as_driver
    async def failmigrate(
        self, source_host: str, destination_host: str, directory: str, vm: Element, transfer: Transfer
    ) -> None:
        """Remove the folder at the destination; without one at the source it may be the only one there is."""
        here, there = self._folders(source_host, destination_host, directory, transfer)
        if not await exists(self._remote, here):
            raise DriverError(
                f"remove {there}: {here} is not there, so that it may be the only copy; see both"
            )
        if not await is_same(self._remote, here, there):
            await remove(self._remote, there, transfer)

    def _folders(
        self, source_host: str, destination_host: str, directory: str, transfer: Transfer
    ) -> tuple[VmFile, VmFile]:
        here = self._file(Location(source_host, directory), transfer)
        if here.name:
            raise DriverError(
                f"migrate VM {transfer.vm_id}: {directory!r} is no VM folder; correct the request"
            )
        return here, VmFile(destination_host, here.folder, "")

    def _file(self, location: Location, transfer: Transfer) -> VmFile:
        return vm_file(location, transfer, str(self.setting("datastores")))
