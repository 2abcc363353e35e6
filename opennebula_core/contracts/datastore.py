"""The contract of datastore drivers: where images live on the front-end's side."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar
from xml.etree.ElementTree import Element

from opennebula_core.contracts.driver import Driver, Report, SilentReport
from opennebula_core.model.template import Template


class DatastoreAction(StrEnum):
    """The actions that not every driver has. Source: OpenNebula 6.10's datastore drivers."""

    SNAP_DELETE = "SNAP_DELETE"
    SNAP_REVERT = "SNAP_REVERT"
    SNAP_FLATTEN = "SNAP_FLATTEN"


@dataclass(frozen=True, slots=True)
class Datastore:
    """The datastore that an action is about.

    :param base_path: its folder on the front-end
    """

    datastore_id: int
    name: str
    base_path: str
    template: Template


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """The image that an action is about.

    :param path: what the user gave: a file on the front-end or an ``http(s)`` address; may be empty
    :param source: where the datastore keeps it; empty before it is made
    :param fs: the file system to make on an empty image, may be empty
    """

    image_id: int
    name: str
    path: str
    source: str
    size_mib: int
    format: str
    fs: str
    template: Template
    document: Element
    report: Report = field(default_factory=SilentReport)


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image that is there: where, and ``raw`` or ``qcow2``."""

    source: str
    format: str


@dataclass(frozen=True, slots=True)
class DatastoreUsage:
    """Room in a datastore, in MiB."""

    total_mib: int
    used_mib: int
    free_mib: int


class DatastoreDriver(Driver):
    """Keeps images with one storage technology. Failures are DriverError.

    Snapshots of a persistent image come with it from a VM, brought by the transfer driver, and lie beside it.
    """

    optional_actions: ClassVar[frozenset[DatastoreAction]] = frozenset()

    @abstractmethod
    def stat(self, image: ImageRequest, datastore: Datastore) -> Awaitable[int] | int:
        """Return the size in MiB (virtual, rounded up) that the image at ``image.path`` will have."""

    @abstractmethod
    def copy(self, image: ImageRequest, datastore: Datastore) -> Awaitable[ImageFile] | ImageFile:
        """Bring the file at ``image.path`` into the datastore; repeated, it makes one copy."""

    @abstractmethod
    def make(self, image: ImageRequest, datastore: Datastore) -> Awaitable[ImageFile] | ImageFile:
        """Make an empty image of ``image.size_mib`` (DATABLOCK)."""

    @abstractmethod
    def clone(self, image: ImageRequest, datastore: Datastore) -> Awaitable[ImageFile] | ImageFile:
        """Copy the image whose source is ``image.path`` within the datastore."""

    @abstractmethod
    def remove(self, image: ImageRequest, datastore: Datastore) -> Awaitable[None] | None:
        """Remove the file ``image.source`` and its snapshots; what is gone already counts as removed.

        Without a source the image was never finished: remove what attempts to make it have left. A source
        outside of the datastore is not the driver's: it stays, and that is success.
        """

    def snap_delete(
        self, image: ImageRequest, snapshot_id: int, datastore: Datastore
    ) -> Awaitable[None] | None:
        """Remove a snapshot that lies beside the image; one that is gone is fine (optional, SNAP_DELETE)."""
        raise NotImplementedError

    def snap_revert(
        self, image: ImageRequest, snapshot_id: int, datastore: Datastore
    ) -> Awaitable[None] | None:
        """Make the image what a snapshot is; the snapshot stays (optional, SNAP_REVERT)."""
        raise NotImplementedError

    def snap_flatten(
        self, image: ImageRequest, snapshot_id: int, datastore: Datastore
    ) -> Awaitable[None] | None:
        """Make the image what a snapshot is, and remove all of its snapshots (optional, SNAP_FLATTEN).

        Repeated after it was done, it changes nothing.
        """
        raise NotImplementedError

    @abstractmethod
    def monitor(self, datastore: Datastore) -> Awaitable[DatastoreUsage] | DatastoreUsage:
        """Return the room in the datastore."""
