"""The dummy hypervisor's world: one small file for each guest, in a folder for each host.

A new guest's file is written at once, a changed one under a temporary name and renamed; a file that is not
whole is no guest. Paths are plain texts here: this is most of what a simulated deployment costs.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from opennebula_core.contracts.vmm import GuestState
from opennebula_core.dummy.behaviour import dummy_folder


@dataclass(frozen=True, slots=True)
class DummyGuest:
    """A guest of the dummy hypervisor.

    :param cpu: share of a core, as in the template
    :param started_at: epoch seconds
    """

    vm_id: int
    name: str
    deploy_id: str
    state: GuestState
    cpu: float
    memory_mib: int
    started_at: int
    disks: tuple[str, ...] = ()
    nics: tuple[str, ...] = ()
    description: str = field(default="", repr=False)


_FIELDS = tuple(item.name for item in fields(DummyGuest))


class GuestFiles:
    """Reads and writes guests, by host and deploy id, and checkpoints, by VM."""

    def __init__(self, location: Path) -> None:
        self._hosts = str(dummy_folder(location) / "hosts")
        self._checkpoints = str(dummy_folder(location) / "checkpoints")

    def read(self, host: str, deploy_id: str) -> DummyGuest | None:
        """Return the guest, if it is there."""
        return _read(self._file(host, deploy_id))

    def create(self, host: str, guest: DummyGuest) -> None:
        """Write a guest that was not there."""
        _write(self._file(host, guest.deploy_id), guest)

    def change(self, host: str, guest: DummyGuest) -> None:
        """Write the guest in place of an earlier state."""
        _replace(self._file(host, guest.deploy_id), guest)

    def remove(self, host: str, deploy_id: str) -> None:
        """Remove the guest, if it is there."""
        _remove(self._file(host, deploy_id))

    def move(self, source: str, destination: str, deploy_id: str) -> bool:
        """Move the guest to another host at once; ``False`` when it is not on its host."""
        target = self._file(destination, deploy_id)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        try:
            os.replace(self._file(source, deploy_id), target)
        except FileNotFoundError:
            return False
        return True

    def on(self, host: str) -> list[DummyGuest]:
        """Return the guests on a host, in the order of their ids."""
        try:
            names = os.listdir(self._folder(host))
        except FileNotFoundError:
            return []
        files = (f"{self._folder(host)}/{name}" for name in names if name.endswith(".json"))
        return sorted(filter(None, map(_read, files)), key=lambda guest: guest.vm_id)

    def save(self, guest: DummyGuest) -> None:
        """Write the guest's checkpoint."""
        _replace(f"{self._checkpoints}/{guest.vm_id}.json", guest)

    def saved(self, vm_id: int) -> DummyGuest | None:
        """Return what a checkpoint holds, if there is one."""
        return _read(f"{self._checkpoints}/{vm_id}.json")

    def forget(self, vm_id: int) -> None:
        """Remove the checkpoint, if there is one."""
        _remove(f"{self._checkpoints}/{vm_id}.json")

    def _folder(self, host: str) -> str:
        return f"{self._hosts}/{_file_name(host)}"

    def _file(self, host: str, deploy_id: str) -> str:
        return f"{self._folder(host)}/{_file_name(deploy_id)}.json"


@lru_cache(maxsize=10_000)
def _file_name(text: str) -> str:
    """Return a file name; host names come from users, and nothing of them may mean something in a path."""
    return quote(text, safe="").replace(".", "%2E") or "%00"


def _read(file: str) -> DummyGuest | None:
    try:
        with open(file, "rb") as stream:
            values: dict[str, Any] = json.load(stream)
    except FileNotFoundError:
        return None
    except ValueError:  # the process that wrote it has died, or is writing
        return None
    values["state"] = GuestState(values["state"])
    values["disks"], values["nics"] = tuple(values["disks"]), tuple(values["nics"])
    return DummyGuest(**values)


def _write(file: str, guest: DummyGuest) -> None:
    data = json.dumps({name: getattr(guest, name) for name in _FIELDS}).encode()
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def _replace(file: str, guest: DummyGuest) -> None:
    temporary = f"{file}.{os.getpid()}"
    _write(temporary, guest)
    os.replace(temporary, file)


def _remove(file: str) -> None:
    try:
        os.unlink(file)
    except FileNotFoundError:
        return
