"""Which files may become images, and where images lie. Images and paths are hostile input."""

from __future__ import annotations

import hashlib
from pathlib import Path

from opennebula_core.contracts.datastore import Datastore
from opennebula_core.errors import DriverError

RESTRICTED = ("/etc", "/root", "/proc", "/sys", "/dev", "/run", "/boot")
"""Folders that no image comes from unless SAFE_DIRS of the datastore opens one.

Source: RESTRICTED_DIRS of 6.10.
"""


def inside(path: Path, folder: Path) -> bool:
    """Return whether a path, links followed, lies below a folder."""
    return path.resolve().is_relative_to(folder.resolve()) and path.resolve() != folder.resolve()


def allowed_source(text: str, datastore: Datastore, location: Path) -> Path:
    """Return the file that a user names, if it may be read into an image.

    :raises DriverError: it is not there, no plain file, or in a folder that is restricted
    """
    if not text.startswith("/"):
        raise DriverError(
            f"read image {text!r}: name the file by its absolute path, or by an http(s) address"
        )
    path = Path(text).resolve()
    if not path.is_file():
        raise DriverError(f"read image {text!r}: there is no such file on the front-end")
    safe = [Path(word) for word in datastore.template.get("SAFE_DIRS").split()]
    if any(inside(path, folder) for folder in safe):
        return path
    named = datastore.template.get("RESTRICTED_DIRS").split()
    restricted = [*(Path(word) for word in (*RESTRICTED, *named)), location]
    for folder in restricted:
        if inside(path, folder):
            raise DriverError(
                f"read image {text!r}: {folder} is restricted; move the file, or name its folder in "
                f"SAFE_DIRS of datastore {datastore.datastore_id}"
            )
    return path


def image_file(datastore: Datastore, image_id: int, origin: str) -> Path:
    """Return where an image lies: a name that repeats for a repeated request and is no other image's.

    The datastore's folder is made when it is missing.
    """
    base = Path(datastore.base_path)
    base.mkdir(mode=0o750, parents=True, exist_ok=True)
    digest = hashlib.sha256(f"{datastore.datastore_id}:{image_id}:{origin}".encode()).hexdigest()
    return base / digest[:32]
