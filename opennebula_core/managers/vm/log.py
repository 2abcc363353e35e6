"""The log of each VM, ``var/vms/ID/vm.log``: what its owner reads to know why."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from opennebula_core.config.location import Location

LOG = logging.getLogger(__name__)
MAX_LINE = 4096
"""Longer texts of drivers are cut: a driver's output is not to fill the disk."""


class VmLog:
    """Appends lines in OpenNebula's form: ``Tue Nov 24 08:06:21 2026 [Z0][VM][I]: New state is ACTIVE``."""

    def __init__(self, location: Location) -> None:
        self._location = location

    def path(self, vm_id: int) -> Path:
        """Return the file of a VM's log."""
        return self._location.vm_log(vm_id)

    def write(self, vm_id: int, severity: str, text: str, module: str = "VM") -> None:
        """Append one line.

        :param severity: I, W, E or D
        """
        stamp = time.strftime("%a %b %d %H:%M:%S %Y")
        line = " ".join(text.split("\n"))[:MAX_LINE]
        path = self.path(vm_id)
        try:
            self._append(path, f"{stamp} [Z0][{module}][{severity}]: {line}\n")
        except OSError as error:
            LOG.warning("VM %d: its log cannot be written: %s", vm_id, error)

    @staticmethod
    def _append(path: Path, line: str) -> None:
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(line)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(line)
