"""The contract of transfer drivers: how disk images come to a host, move, and go."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Self
from xml.etree.ElementTree import Element

from opennebula_core.contracts.driver import Driver, Report, SilentReport


class TmAction(StrEnum):
    """The verbs of transfer scripts. Source: OpenNebula 6.10 transfer files."""

    CLONE = "CLONE"
    LN = "LN"
    MKSWAP = "MKSWAP"
    MKIMAGE = "MKIMAGE"
    CONTEXT = "CONTEXT"
    MV = "MV"
    MVDS = "MVDS"
    CPDS = "CPDS"
    DELETE = "DELETE"
    RESIZE = "RESIZE"
    SNAP_CREATE = "SNAP_CREATE"
    SNAP_REVERT = "SNAP_REVERT"
    SNAP_DELETE = "SNAP_DELETE"
    PREMIGRATE = "PREMIGRATE"
    POSTMIGRATE = "POSTMIGRATE"
    FAILMIGRATE = "FAILMIGRATE"


@dataclass(frozen=True, slots=True)
class Location:
    """A path on a machine, written ``host:path`` in transfer scripts."""

    host: str
    path: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Split at the first colon; a text without one is a path on this machine."""
        host, colon, path = text.partition(":")
        return cls(host, path) if colon else cls("", text)

    def __str__(self) -> str:
        return f"{self.host}:{self.path}" if self.host else self.path


@dataclass(frozen=True, slots=True)
class Transfer:
    """What a transfer is for.

    :param size_mib: the size that the disk shall have, 0 when the image's own is right
    :param format: ``raw`` or ``qcow2``; empty when unknown
    :param attempt: 1, or more when the core sends the script again after a crash
    """

    vm_id: int
    datastore_id: int
    size_mib: int = 0
    format: str = ""
    attempt: int = 1
    report: Report = field(default_factory=SilentReport)


class TmDriver(Driver):
    """Moves files for VMs with one technology.

    Every verb may be repeated: what is already there as it should be is success; a file is written under a
    temporary name and renamed, so that nothing half-made ever looks whole; deleting what is gone succeeds.
    Failures are :class:`~opennebula_core.errors.DriverError`.
    """

    optional_actions: ClassVar[frozenset[TmAction]] = frozenset()

    @abstractmethod
    def clone(self, source: Location, destination: Location, transfer: Transfer) -> Awaitable[None] | None:
        """Copy an image to become a VM's own disk; grow it to ``transfer.size_mib`` if that is larger."""

    @abstractmethod
    def link(self, source: Location, destination: Location, transfer: Transfer) -> Awaitable[None] | None:
        """Make a persistent image the VM's disk: by link on shared storage, else by copy."""

    @abstractmethod
    def make_image(
        self, size_mib: int, format: str, destination: Location, transfer: Transfer
    ) -> Awaitable[None] | None:
        """Make an empty disk; ``format`` is ``raw``, ``qcow2``, ``swap`` or a file system (``ext4``)."""

    @abstractmethod
    def context(
        self, files: Sequence[tuple[str, str]], destination: Location, transfer: Transfer
    ) -> Awaitable[None] | None:
        """Make the context CD (ISO 9660, label CONTEXT) from front-end files and put it on the host.

        :param files: (path on the front-end, name on the CD); the first is ``context.sh``
        """

    @abstractmethod
    def move(self, source: Location, destination: Location, transfer: Transfer) -> Awaitable[None] | None:
        """Move a disk file, or a VM's whole folder with what is left in it; the source is gone afterwards."""

    @abstractmethod
    def move_back(self, disk: Location, image: Location, transfer: Transfer) -> Awaitable[None] | None:
        """Write a persistent disk back over its image in the datastore (MVDS)."""

    @abstractmethod
    def delete(self, target: Location, transfer: Transfer) -> Awaitable[None] | None:
        """Remove a disk file or a VM's folder; what is gone already counts as removed."""

    def copy_back(
        self, disk: Location, image: Location, snapshot_id: int, transfer: Transfer
    ) -> Awaitable[None] | None:
        """Copy a disk, or its snapshot (-1: none), to an image in the datastore (optional, CPDS)."""
        raise NotImplementedError

    def resize(self, disk: Location, size_mib: int, transfer: Transfer) -> Awaitable[None] | None:
        """Grow a disk that no running guest uses (optional, RESIZE)."""
        raise NotImplementedError

    def snap_create(self, disk: Location, snapshot_id: int, transfer: Transfer) -> Awaitable[None] | None:
        """Keep a disk that no guest uses as it is now, in the VM's folder (optional, SNAP_CREATE)."""
        raise NotImplementedError

    def snap_revert(self, disk: Location, snapshot_id: int, transfer: Transfer) -> Awaitable[None] | None:
        """Make a disk that no guest uses what its snapshot is; the snapshot stays (optional, SNAP_REVERT)."""
        raise NotImplementedError

    def snap_delete(self, disk: Location, snapshot_id: int, transfer: Transfer) -> Awaitable[None] | None:
        """Remove a snapshot, even while a guest uses the disk; one that is gone is fine (SNAP_DELETE)."""
        raise NotImplementedError

    def premigrate(
        self, source_host: str, destination_host: str, directory: str, vm: Element, transfer: Transfer
    ) -> Awaitable[None] | None:
        """Prepare the destination of a live migration: folder, empty disks of the right size, context CD.

        The default does nothing, which is right for shared storage.
        """
        return None

    def postmigrate(
        self, source_host: str, destination_host: str, directory: str, vm: Element, transfer: Transfer
    ) -> Awaitable[None] | None:
        """Remove what a finished live migration left on the source."""
        return None

    def failmigrate(
        self, source_host: str, destination_host: str, directory: str, vm: Element, transfer: Transfer
    ) -> Awaitable[None] | None:
        """Remove what a failed migration left on the destination; ``vm`` is empty if it was a cold one."""
        return None
