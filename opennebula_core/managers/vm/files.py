"""The files that drivers read about a VM, ``var/vms/ID/``: transfer scripts, descriptions, the context."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping

from opennebula_core.config.location import Location


class VmFiles:
    """Writes files into the folders of VMs, on a thread: a slow disk holds up no request.

    Paths are texts here: four files are written for each deployment.
    """

    def __init__(self, location: Location) -> None:
        self._root = str(location.vms)

    def path(self, vm_id: int, name: str) -> str:
        """Return the path of a VM's file."""
        return f"{self._root}/{vm_id}/{name}"

    async def write(self, vm_id: int, files: Mapping[str, str]) -> None:
        """Write all files, over those that are there; returns when they can be read.

        :param files: text by name
        :raises OSError: the disk does not take one
        """
        if files:
            await asyncio.to_thread(self._write, vm_id, files)

    def _write(self, vm_id: int, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path, data = self.path(vm_id, name), text.encode()
            try:
                _write_bytes(path, data)
            except FileNotFoundError:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                _write_bytes(path, data)


def _write_bytes(path: str, data: bytes) -> None:
    with open(path, "wb", buffering=0) as file:
        file.write(data)
