"""Where images come from: an open file or an http answer, compressed or not."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, BinaryIO, Protocol, cast

from opennebula_core.errors import DriverError
from opennebula_datastore_fs.headers import HEADER_BYTES, compression_of

CHUNK_BYTES = 1024 * 1024


class Readable(Protocol):
    """What can be read from its beginning to its end."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, none at the end."""


class Peeked:
    """A reader whose first bytes can be looked at before they are read."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._head = b""

    def peek(self) -> bytes:
        """Return the first bytes, as many as a header has."""
        while len(self._head) < HEADER_BYTES:
            chunk = self._source.read(HEADER_BYTES - len(self._head))
            if not chunk:
                break
            self._head += chunk
        return self._head

    def read(self, size: int = CHUNK_BYTES, /) -> bytes:
        """Return the next bytes."""
        if self._head:
            taken, self._head = self._head[:size], self._head[size:]
            return taken
        return self._source.read(size)


class Summed:
    """A reader that counts, and computes the sums that a file is said to have.

    :param expected: name of the algorithm -> sum, such as ``MD5``
    """

    def __init__(self, source: Readable, expected: Mapping[str, str]) -> None:
        self._source = source
        self._expected = {name: text.strip().lower() for name, text in expected.items() if text.strip()}
        self._digests = {name: hashlib.new(name.lower(), usedforsecurity=False) for name in self._expected}
        self.count = 0

    def read(self, size: int = CHUNK_BYTES, /) -> bytes:
        """Return the next bytes."""
        chunk = self._source.read(size)
        self.count += len(chunk)
        for digest in self._digests.values():
            digest.update(chunk)
        return chunk

    def check(self, origin: str) -> None:
        """Read what is left, which belongs to the file too, and compare the sums.

        :raises DriverError: one differs
        """
        chunk = self.read() if self._digests else b""
        while chunk:
            chunk = self.read()
        for name, digest in self._digests.items():
            if digest.hexdigest() != self._expected[name]:
                raise DriverError(
                    f"copy {origin!r}: its {name} is {digest.hexdigest()} and not {self._expected[name]}; "
                    "see where it comes from"
                )


@dataclass(frozen=True, slots=True)
class Source:
    """An image to be brought in.

    :param name: for messages; no password in it
    :param size_bytes: as it comes, None when nobody says
    :param file: the open file, None when the bytes come from elsewhere
    """

    name: str
    reader: Peeked
    size_bytes: int | None
    file: BinaryIO | None = None

    @classmethod
    def of_file(cls, file: BinaryIO, path: str) -> Source:
        """Return an open file as a source."""
        return cls(path, Peeked(file), os.fstat(file.fileno()).st_size, file)

    def is_packed(self) -> bool:
        """Whether it is compressed; to be asked before it is read."""
        return bool(compression_of(self.reader.peek()))

    @contextmanager
    def unpacked(self, reader: Readable, *, is_kept_packed: bool = False) -> Iterator[Peeked]:
        """Return the image's own bytes: what ``reader`` gives, decompressed if it is compressed.

        :param is_kept_packed: leave them as they come
        :raises DriverError: they are damaged
        """
        kind = "" if is_kept_packed else compression_of(self.reader.peek())
        if not kind:
            yield Peeked(reader)
            return
        try:
            with _decompressor(kind, reader) as inner:
                yield Peeked(inner)
        except (EOFError, gzip.BadGzipFile, lzma.LZMAError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise DriverError(f"unpack {self.name!r}: {error}; bring an undamaged file") from error


def _decompressor(kind: str, reader: Readable) -> IO[bytes]:
    packed = cast(BinaryIO, reader)  # these classes call read() alone
    if kind == "gz":
        return cast(IO[bytes], gzip.GzipFile(fileobj=packed, mode="rb"))
    return bz2.BZ2File(packed) if kind == "bz2" else lzma.LZMAFile(packed)
