"""The snapshots of a persistent image: files beside it, which a transfer driver has brought from a host."""

from __future__ import annotations

import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from opennebula_core.errors import DriverError

SNAPSHOTS_ENDING = ".snap"
"""Of the folder, in which each has its number as its name. Source: OpenNebula's ssh and shared drivers."""

_FLATTENED_ENDING = ".flattened"
"""Of the note that says which snapshot an image was last made of, before all of them are removed."""


@dataclass(frozen=True, slots=True)
class KeptSnapshots:
    """The snapshots of one image.

    :param image: its file
    """

    image: Path

    @property
    def folder(self) -> Path:
        """Where they are."""
        return self.image.with_name(self.image.name + SNAPSHOTS_ENDING)

    @property
    def _note(self) -> Path:
        return self.image.with_name(f".{self.image.name}{_FLATTENED_ENDING}")

    def opened(self, snapshot_id: int) -> BinaryIO:
        """Open one for reading.

        :raises DriverError: there is none with that number
        """
        path = self.folder / str(snapshot_id)
        try:
            folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                return open(
                    os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder), "rb"
                )
            finally:
                os.close(folder)
        except OSError as error:
            raise DriverError(f"read snapshot {path}: {error.strerror}; see the datastore") from error

    def remove(self, snapshot_id: int) -> None:
        """Remove one; one that is gone is fine.

        :raises DriverError: it cannot be removed
        """
        path = self.folder / str(snapshot_id)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise DriverError(f"remove {path}: {error.strerror}; see what it is") from error

    def note_flattened(self, snapshot_id: int) -> None:
        """Note that the image has been made of one; all may go now."""
        temporary = self._note.with_name(f"{self._note.name}-{secrets.token_hex(6)}")
        with open(temporary, "x") as file:
            file.write(str(snapshot_id))
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(self._note)

    def is_flattened(self, snapshot_id: int) -> bool:
        """Return whether the image has been made of one already; no number is given twice."""
        try:
            return self._note.read_text() == str(snapshot_id)
        except FileNotFoundError:
            return False

    def remove_folder(self) -> None:
        """Remove all of them."""
        if self.folder.is_symlink():
            self.folder.unlink()
        elif self.folder.exists():
            shutil.rmtree(self.folder)

    def remove_all(self) -> None:
        """Remove all that there is besides the image."""
        self.remove_folder()
        for note in self._note.parent.glob(f"{self._note.name}*"):
            note.unlink(missing_ok=True)
