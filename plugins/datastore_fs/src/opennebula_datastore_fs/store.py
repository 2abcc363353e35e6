"""The folder of a datastore: names of its files, and how new ones come into it."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from opennebula_core.contracts.datastore import Datastore, DatastoreUsage, ImageRequest
from opennebula_core.errors import DriverError
from opennebula_datastore_fs.kept_snapshots import SNAPSHOTS_ENDING, KeptSnapshots

KEY_FILE = ".key"
KEY_BYTES = 32
NAME_LENGTH = 32
BYTES_PER_MIB = 1024 * 1024
BLOCK_BYTES = 512
"""Unit of st_blocks."""

NOTE_ENDING = ".written-back"
"""Of the note that a transfer driver keeps beside a persistent image; it goes with the image."""

FILE_MODE = 0o660
"""For the group too: QEMU may be in it, where another transfer driver links images."""


@dataclass(frozen=True, slots=True)
class Store:
    """The folder of one datastore, on the front-end."""

    folder: Path

    @classmethod
    def of(cls, datastore: Datastore) -> Store:
        """Return the datastore's folder; it is made if it is missing.

        :raises DriverError: BASE_PATH is no folder of its own, or cannot be made
        """
        text, what = datastore.base_path, f"datastore {datastore.datastore_id}"
        folder = Path(os.path.normpath(text))
        if not text.startswith("/") or len(folder.parts) < 3:
            raise DriverError(f"{what}: {text!r} is no folder for it; correct its BASE_PATH")
        try:
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        except OSError as error:
            raise DriverError(f"{what}: make {str(folder)!r}: {error.strerror}; see its BASE_PATH") from error
        return cls(folder)

    def file_of(self, image: ImageRequest) -> Path:
        """Return the file for a new image.

        Nobody can guess its name; and made again after a crash, the image gets the same one.
        """
        made_at = image.document.findtext("REGTIME", "")
        word = f"{image.image_id} {made_at}".encode()
        return self.folder / hmac.new(self._key(), word, hashlib.sha256).hexdigest()[:NAME_LENGTH]

    def _key(self) -> bytes:
        path = self.folder / KEY_FILE
        with suppress(FileNotFoundError):
            return path.read_bytes()
        temporary = self.folder / f"{KEY_FILE}.{secrets.token_hex(6)}"
        with _created(temporary) as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        try:
            with suppress(FileExistsError):  # another thread was first
                os.link(temporary, path)
        finally:
            temporary.unlink()
        return path.read_bytes()

    def holds(self, source: str) -> bool:
        """Whether an image's source is a file directly in this folder."""
        path = Path(source)
        return str(path) == source and path.parent == self.folder and not path.name.startswith(".")

    @contextmanager
    def arriving(self, file: Path) -> Iterator[BinaryIO]:
        """Let a file come into being under a temporary name, for the length of a block.

        At the end of the block it is flushed and gets its name; if the block fails, it is removed. What
        earlier attempts left is removed first.
        """
        self.remove_parts(file)
        temporary = self.folder / f".{file.name}.part-{secrets.token_hex(6)}"
        try:
            with _created(temporary) as opened:
                yield opened
                opened.flush()
                os.fchmod(opened.fileno(), FILE_MODE)
                os.fsync(opened.fileno())
            temporary.rename(file)
        except OSError as error:
            raise DriverError(
                f"write {file}: {error.strerror}; see the datastore's room and rights"
            ) from error
        finally:
            temporary.unlink(missing_ok=True)
        self.flush()

    def remove(self, file: Path) -> None:
        """Remove a file, its notes and snapshots, and what is left of attempts; what is gone is no error.

        :raises DriverError: it cannot be removed
        """
        try:
            file.unlink(missing_ok=True)
            (self.folder / f".{file.name}{NOTE_ENDING}").unlink(missing_ok=True)
            KeptSnapshots(file).remove_all()
        except OSError as error:
            raise DriverError(f"remove {file}: {error.strerror}; see what it is") from error
        self.remove_parts(file)
        self.flush()

    def remove_parts(self, file: Path) -> None:
        """Remove what is left of attempts to make a file."""
        for part in self.folder.glob(f".{file.name}.part-*"):
            part.unlink(missing_ok=True)

    def flush(self) -> None:
        """Have the names in the folder on disk."""
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def usage(self) -> DatastoreUsage:
        """Return the room on the file system that the folder is on; used is what the images take of it."""
        total, _, free = shutil.disk_usage(self.folder)
        used = _used_bytes(self.folder)
        return DatastoreUsage(total // BYTES_PER_MIB, used // BYTES_PER_MIB, free // BYTES_PER_MIB)


def _used_bytes(folder: Path) -> int:
    """Return what files take on disk, those in folders of snapshots, too."""
    used = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # a temporary one, which has got its name
                used += entry.stat(follow_symlinks=False).st_blocks * BLOCK_BYTES
                if entry.is_dir(follow_symlinks=False) and entry.name.endswith(SNAPSHOTS_ENDING):
                    used += _used_bytes(Path(entry.path))
    return used


def _created(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    return open(descriptor, "r+b")
