"""A log file that cannot fill the disk: what a driver writes to its standard error."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import IO, Final

LOG = logging.getLogger(__name__)

MAX_BYTES: Final = 4 * 1024 * 1024
"""At this size the file becomes ``<name>.1`` and a new one begins; two files at most."""


class BoundedLog:
    """Appends to a file; the oldest goes when it grows too large. A disk that fails loses text, no more."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._file: IO[bytes] | None = None
        self._size = 0

    def write(self, data: bytes) -> None:
        """Append ``data``."""
        try:
            if self._file is None:
                self._open()
            assert self._file is not None
            self._file.write(data)
            self._size += len(data)
            if self._size > self._max_bytes:
                self._rotate()
        except OSError as error:
            LOG.warning("driver log %s: %s; its text is lost", self._path, error)
            self.close()

    def close(self) -> None:
        """Close the file; a later write opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = self._path.open("ab", buffering=0)
        self._size = self._file.tell()

    def _rotate(self) -> None:
        self.close()
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))
