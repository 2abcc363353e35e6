"""The files that drivers read about a VM, ``var/vms/ID/``: transfer scripts, descriptions, the context."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from opennebula_core.config.location import Location


class VmFiles:
    """Writes files into the folders of VMs, on a thread of its own: a slow disk holds up no request.

    One thread, so that what is written last stays: a write that nobody waits for any more still ends first.
    Paths are texts here: four files are written for each deployment.
    """

    def __init__(self, location: Location) -> None:
        self._root = str(location.vms)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="vm files")

    def path(self, vm_id: int, name: str) -> str:
        """Return the path of a VM's file."""
        return f"{self._root}/{vm_id}/{name}"

    async def write(self, vm_id: int, files: Mapping[str, str]) -> None:
        """Write all files, over those that are there; returns when they can be read.

        :param files: text by name
        :raises OSError: the disk does not take one
        """
        if files:
            await asyncio.get_running_loop().run_in_executor(self._writer, self._write, vm_id, files)

    def _write(self, vm_id: int, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path, data = self.path(vm_id, name), text.encode()
            try:
                _replace(path, data)
            except FileNotFoundError:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                _replace(path, data)


def _replace(path: str, data: bytes) -> None:
    """Write a file so that a driver which reads it has the old text or the new one, never a part."""
    beside = f"{path}.new"
    with open(beside, "wb", buffering=0) as file:
        file.write(data)
    os.replace(beside, path)
