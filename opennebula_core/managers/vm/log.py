"""The log of each VM, ``var/vms/ID/vm.log``: what its owner reads to know why.

Opening a file costs more than everything else about a line, so the lines that come within a moment are
written together, by a thread of their own. Warnings and errors do not wait.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from opennebula_core.config.location import Location

LOG = logging.getLogger(__name__)
MAX_LINE = 4096
"""Longer texts of drivers are cut: a driver's output is not to fill the disk."""
GATHERING_S: Final = 0.02
"""How long a line waits for others: less than who sees a VM's new state needs to ask for its log."""
CLOSING_S: Final = 10.0
_URGENT: Final = frozenset("WE")


class VmLog:
    """Appends lines in OpenNebula's form: ``Tue Nov 24 08:06:21 2026 [Z0][VM][I]: New state is ACTIVE``."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._waiting: dict[int, list[str]] = {}
        self._waiting_lock = threading.Lock()
        self._writing_lock = threading.Lock()
        self._has_lines = threading.Event()
        self._is_urgent = threading.Event()
        self._is_closed = False
        self._writer: threading.Thread | None = None

    def path(self, vm_id: int) -> Path:
        """Return the file of a VM's log."""
        return self._location.vm_log(vm_id)

    def write(self, vm_id: int, severity: str, text: str, module: str = "VM") -> None:
        """Append one line, soon; it does not wait for the disk.

        :param severity: I, W, E or D
        """
        stamp = time.strftime("%a %b %d %H:%M:%S %Y")
        line = " ".join(text.split("\n"))[:MAX_LINE]
        with self._waiting_lock:
            self._waiting.setdefault(vm_id, []).append(f"{stamp} [Z0][{module}][{severity}]: {line}\n")
            if self._writer is None:
                self._writer = threading.Thread(target=self._run, name="vm logs", daemon=True)
                self._writer.start()
        if severity in _URGENT:
            self._is_urgent.set()
        if not self._has_lines.is_set():
            self._has_lines.set()

    def flush(self) -> None:
        """Write all lines that wait, and return once the files have them."""
        with self._writing_lock:
            with self._waiting_lock:
                waiting, self._waiting = self._waiting, {}
            for vm_id, lines in waiting.items():
                self._append(vm_id, lines)

    def close(self) -> None:
        """Write what waits, and end the thread."""
        self._is_closed = True
        self._is_urgent.set()
        self._has_lines.set()
        if self._writer is not None:
            self._writer.join(CLOSING_S)
        self.flush()

    def _run(self) -> None:
        while not self._is_closed:
            self._has_lines.wait()
            self._has_lines.clear()
            self._is_urgent.wait(GATHERING_S)
            self._is_urgent.clear()
            self.flush()

    def _append(self, vm_id: int, lines: Iterable[str]) -> None:
        path, data = str(self.path(vm_id)), "".join(lines).encode("utf-8", "replace")
        try:
            try:
                _append_bytes(path, data)
            except FileNotFoundError:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                _append_bytes(path, data)
        except OSError as error:
            LOG.warning("VM %d: its log cannot be written: %s", vm_id, error)


def _append_bytes(path: str, data: bytes) -> None:
    with open(path, "ab", buffering=0) as file:
        file.write(data)
