"""Where a VM's files are, on hosts and on the front-end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class VmPaths:
    """The folders of one VM.

    :param host_root: folder of the datastores on every host
    :param front_end_root: folder of the datastores on the front-end
    """

    vm_id: int
    datastore_id: int
    host_root: str
    front_end_root: Path

    @property
    def on_host(self) -> str:
        """The VM's folder on its host."""
        return f"{self.host_root.rstrip('/')}/{self.datastore_id}/{self.vm_id}"

    @property
    def on_front_end(self) -> str:
        """The VM's folder on the front-end, for disks that came back."""
        return f"{self.front_end_root}/{self.datastore_id}/{self.vm_id}"

    def disk(self, disk_id: str | int) -> str:
        """Return the path of a disk file on the host."""
        return f"{self.on_host}/disk.{disk_id}"

    @property
    def checkpoint(self) -> str:
        """The guest's saved memory on the host."""
        return f"{self.on_host}/checkpoint"
