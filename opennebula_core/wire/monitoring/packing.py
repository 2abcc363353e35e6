"""The payload of monitoring messages from 5.12 on: base64 of a zlib stream."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Final

from opennebula_core.errors import DriverError

MAX_UNPACKED_BYTES: Final = 16 * 1024 * 1024
"""Hosts are not trusted: a stream that grows beyond this is refused (1,000 guests report 600 KB)."""


def pack(text: str) -> str:
    """Return the text as it travels."""
    return base64.b64encode(zlib.compress(text.encode(), 1)).decode()


def unpack(payload: str) -> str:
    """Return the text of a payload; an empty one, or ``-``, is an empty text.

    :raises DriverError: it is no base64, no zlib stream, or too large
    """
    if payload in ("", "-"):
        return ""
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(base64.b64decode(payload, validate=True), MAX_UNPACKED_BYTES)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise DriverError(f"read a monitoring message: {error}; see what the driver sends") from None
    if stream.unconsumed_tail:
        raise DriverError(
            f"read a monitoring message: more than {MAX_UNPACKED_BYTES} bytes; see what the driver sends"
        )
    if not stream.eof:
        raise DriverError("read a monitoring message: it is cut off; see what the driver sends")
    return data.decode("utf-8", "replace")


def decode_base64(payload: str) -> str:
    """Return the text of plain base64, as it is inside messages and in those of 4.4 to 5.10.

    :raises DriverError: it is none
    """
    try:
        return base64.b64decode(payload, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError) as error:
        raise DriverError(f"read a monitoring message: {error}; see what the driver sends") from None


def encode_base64(text: str) -> str:
    """Return the text as plain base64."""
    return base64.b64encode(text.encode()).decode()
