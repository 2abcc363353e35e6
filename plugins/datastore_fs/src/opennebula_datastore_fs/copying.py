"""Writing images into the datastore: holes stay holes, and long runs of zeros become some."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from typing import BinaryIO

from opennebula_core.errors import DriverError
from opennebula_core.remote import Meter
from opennebula_datastore_fs.sources import CHUNK_BYTES, Readable

FICLONE = 0x40049409
"""Share all blocks of a file, where the file system can. Source: linux/fs.h."""

PIECE_BYTES = 16 * 1024 * 1024
BLOCK_BYTES = 64 * 1024
ZEROS = bytes(BLOCK_BYTES)


def copy_file(source: BinaryIO, target: BinaryIO, meter: Meter) -> None:
    """Copy a file inside the kernel; only what is written in it."""
    size = os.fstat(source.fileno()).st_size
    try:
        fcntl.ioctl(target.fileno(), FICLONE, source.fileno())
    except OSError:  # another file system, or one that cannot
        _copy_data(source.fileno(), target.fileno(), size, meter)
        os.ftruncate(target.fileno(), size)
    meter.finish()


def _copy_data(source: int, target: int, size: int, meter: Meter) -> None:
    end = 0
    while end < size:
        try:
            start = os.lseek(source, end, os.SEEK_DATA)
        except OSError:  # ENXIO: only a hole is left
            return
        end = min(os.lseek(source, start, os.SEEK_HOLE), size)
        os.lseek(target, start, os.SEEK_SET)
        while start < end:
            sent = os.sendfile(target, source, start, min(PIECE_BYTES, end - start))
            if not sent:
                return  # it was cut short meanwhile
            start += sent
            meter.reach(start)


def copy_bytes(source: Readable, target: BinaryIO, limit_bytes: int, tell: Callable[[], None]) -> None:
    """Copy what a reader gives.

    :param tell: called now and then
    :raises DriverError: there are more than ``limit_bytes``
    """
    size = 0
    while chunk := source.read(CHUNK_BYTES):
        size += len(chunk)
        if size > limit_bytes:
            raise DriverError(
                f"copy the image: it has over {limit_bytes} bytes; see the option max_image_gib"
            )
        _write_sparse(chunk, target)
        tell()
    target.truncate(size)


def _write_sparse(chunk: bytes, target: BinaryIO) -> None:
    for start in range(0, len(chunk), BLOCK_BYTES):
        block = chunk[start : start + BLOCK_BYTES]
        if len(block) == BLOCK_BYTES and block == ZEROS:
            target.seek(BLOCK_BYTES, os.SEEK_CUR)
        else:
            target.write(block)
