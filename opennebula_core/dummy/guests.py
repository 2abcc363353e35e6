"""The dummy hypervisor's world: one small file for each guest, in a folder for each host.

Files are written under a temporary name and renamed, so that whoever looks sees whole guests only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
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


class GuestFiles:
    """Reads and writes guests, by host and deploy id, and checkpoints, by VM."""

    def __init__(self, location: Path) -> None:
        self._hosts = dummy_folder(location) / "hosts"
        self._checkpoints = dummy_folder(location) / "checkpoints"

    def read(self, host: str, deploy_id: str) -> DummyGuest | None:
        """Return the guest, if it is there."""
        return _read(self._file(host, deploy_id))

    def write(self, host: str, guest: DummyGuest) -> None:
        """Write the guest, in place of an earlier state."""
        _write(self._file(host, guest.deploy_id), guest)

    def remove(self, host: str, deploy_id: str) -> None:
        """Remove the guest, if it is there."""
        self._file(host, deploy_id).unlink(missing_ok=True)

    def move(self, source: str, destination: str, deploy_id: str) -> bool:
        """Move the guest to another host at once; ``False`` when it is not on its host."""
        target = self._file(destination, deploy_id)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._file(source, deploy_id).replace(target)
        except FileNotFoundError:
            return False
        return True

    def on(self, host: str) -> Iterator[DummyGuest]:
        """Return the guests on a host, in the order of their ids."""
        guests = (_read(file) for file in self._folder(host).glob("*.json"))
        yield from sorted((guest for guest in guests if guest is not None), key=lambda guest: guest.vm_id)

    def save(self, guest: DummyGuest) -> None:
        """Write the guest's checkpoint."""
        _write(self._checkpoints / f"{guest.vm_id}.json", guest)

    def saved(self, vm_id: int) -> DummyGuest | None:
        """Return what a checkpoint holds, if there is one."""
        return _read(self._checkpoints / f"{vm_id}.json")

    def forget(self, vm_id: int) -> None:
        """Remove the checkpoint, if there is one."""
        (self._checkpoints / f"{vm_id}.json").unlink(missing_ok=True)

    def _folder(self, host: str) -> Path:
        return self._hosts / _file_name(host)

    def _file(self, host: str, deploy_id: str) -> Path:
        return self._folder(host) / f"{_file_name(deploy_id)}.json"


def _file_name(text: str) -> str:
    """Return a file name; host names come from users, and nothing of them may mean something in a path."""
    return quote(text, safe="").replace(".", "%2E") or "%00"


def _read(file: Path) -> DummyGuest | None:
    try:
        fields: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        return None
    fields["state"] = GuestState(fields["state"])
    fields["disks"], fields["nics"] = tuple(fields["disks"]), tuple(fields["nics"])
    return DummyGuest(**fields)


def _write(file: Path, guest: DummyGuest) -> None:
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    text = json.dumps(asdict(guest))
    try:
        temporary.write_text(text)
    except FileNotFoundError:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text)
    temporary.replace(file)
