"""The contract of datastore drivers: where images live on the front-end's side."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from opennebula_core.contracts.driver import Driver, Report, SilentReport
from opennebula_core.model.template import Template


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
    """Keeps images with one storage technology. Failures are DriverError."""

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
        """Remove the file ``image.source``; what is gone already counts as removed.

        Without a source the image was never finished: remove what attempts to make it have left. A source
        outside of the datastore is not the driver's: it stays, and that is success.
        """

    @abstractmethod
    def monitor(self, datastore: Datastore) -> Awaitable[DatastoreUsage] | DatastoreUsage:
        """Return the room in the datastore."""
