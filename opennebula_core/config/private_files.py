"""Files that nobody but their owner may read: made so, and closed where an earlier release left them open."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

LOG = logging.getLogger(__name__)
_MODE: Final = 0o600
_OTHERS: Final = 0o077


def make_private(path: Path) -> None:
    """Make an empty file that only its owner may read and write, unless there is one; that is not opened.

    A file that SQLite has open must not be opened and closed beside it: its locks would go with that.

    :raises OSError: the folder is missing or cannot be written
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE))
    except FileExistsError:
        close_to_others(path)


def close_to_others(*paths: Path) -> None:
    """Close files that others could read, with a warning; what is not there, or another user's, stays."""
    for path in paths:
        try:
            if path.stat().st_mode & _OTHERS:
                path.chmod(_MODE)
                LOG.warning("%s: others could read it; it is closed to them now", path)
        except FileNotFoundError:
            continue
        except OSError as error:
            LOG.warning("%s: others can read it, and it cannot be closed: %s; run chmod 600", path, error)


def database_files(path: Path) -> Iterable[Path]:
    """Return the files beside an SQLite database in which it keeps parts of itself."""
    return [path.with_name(f"{path.name}{ending}") for ending in ("-wal", "-shm", "-journal")]
