"""What the first bytes of an image say; no program that would follow what they say is given the file."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from opennebula_core.errors import DriverError

HEADER_BYTES = 512
QCOW2_MAGIC = b"QFI\xfb"
EXTERNAL_DATA = 4
"""Bit of the incompatible features. Source: docs/interop/qcow2.txt of QEMU."""

COMPRESSIONS = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ\0": "xz"}

RAW = "raw"
QCOW2 = "qcow2"


@dataclass(frozen=True, slots=True)
class Header:
    """The beginning of an image.

    :param virtual_bytes: size that a guest sees; None for a raw image, which is as large as its file
    """

    format: str
    virtual_bytes: int | None


def compression_of(head: bytes) -> str:
    """Return ``gz``, ``bz2`` or ``xz`` for a compressed file, else an empty word."""
    return next((name for magic, name in COMPRESSIONS.items() if head.startswith(magic)), "")


def read_header(head: bytes, declared: str = "") -> Header:
    """Return what an image is.

    :param head: its first bytes
    :param declared: the format that it is said to have; then it must have it, and a raw one may look like
        anything
    :raises DriverError: it is another one, or it refers to other files
    """
    if declared == RAW:
        return Header(RAW, None)
    if not head.startswith(QCOW2_MAGIC):
        if declared == QCOW2:
            raise DriverError("read the image: it is no qcow2 image; correct its FORMAT")
        return Header(RAW, None)
    if len(head) < 24 + 8:
        raise DriverError("read the image: its qcow2 header is cut off; bring the whole file")
    version, backing_offset = struct.unpack(">IQ", head[4:16])
    (virtual_bytes,) = struct.unpack(">Q", head[24:32])
    if backing_offset:
        raise DriverError("read the image: it has a backing file; merge them with 'qemu-img convert'")
    if version >= 3 and (len(head) < 80 or struct.unpack(">Q", head[72:80])[0] & EXTERNAL_DATA):
        raise DriverError("read the image: its data are in another file; merge them with 'qemu-img convert'")
    return Header(QCOW2, int(virtual_bytes))
