"""What kind of image a file is, found by its first bytes, and empty images."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from pathlib import Path

from opennebula_core.errors import DriverError

QCOW2_MAGIC = b"QFI\xfb"
_QCOW2_HEADER = struct.Struct(">4sIQIIQ")
_INCOMPATIBLE_FEATURES = 72
EXTERNAL_DATA_FILE = 1 << 2
"""Incompatible feature bit of qcow2. Source: QEMU, docs/interop/qcow2.txt."""
COMMAND_LIMIT_S = 600
FILE_SYSTEMS = frozenset({"ext2", "ext3", "ext4", "vfat", "xfs", "btrfs"})


@dataclass(frozen=True, slots=True)
class Found:
    """An image's format (``raw`` or ``qcow2``) and its virtual size in bytes."""

    format: str
    virtual_size: int


async def detect(path: Path) -> Found:
    """Return what a file is.

    A qcow2 image that points to another file (backing file, external data) is refused: it would let whoever
    made it read any file of the front-end or of a host.

    :raises DriverError: it is such an image, or cannot be read
    """
    return await asyncio.to_thread(_detect, path)


def _detect(path: Path) -> Found:
    try:
        with path.open("rb") as file:
            head = file.read(512)
            size = path.stat().st_size
    except OSError as error:
        raise DriverError(f"read image {path}: {error.strerror}") from error
    if not head.startswith(QCOW2_MAGIC):
        return Found("raw", size)
    if len(head) < _QCOW2_HEADER.size:
        raise DriverError(f"read image {path}: its qcow2 header is cut off; copy the image again")
    _, version, backing_offset, _, _, virtual_size = _QCOW2_HEADER.unpack_from(head)
    if backing_offset:
        raise DriverError(f"read image {path}: it has a backing file; flatten it with qemu-img convert first")
    if version >= 3 and len(head) >= _INCOMPATIBLE_FEATURES + 8:
        (features,) = struct.unpack_from(">Q", head, _INCOMPATIBLE_FEATURES)
        if features & EXTERNAL_DATA_FILE:
            raise DriverError(f"read image {path}: its data lie in another file; use qemu-img convert first")
    return Found("qcow2", virtual_size)


async def make_image(path: Path, size_mib: int, format: str, fs: str) -> None:
    """Make an empty image.

    :raises DriverError: format or file system is unknown, or a program failed
    """
    if format not in ("raw", "qcow2"):
        raise DriverError(f"make an image of format {format!r}: use raw or qcow2")
    if fs and fs not in FILE_SYSTEMS | {"swap"}:
        raise DriverError(f"make file system {fs!r}: use one of {', '.join(sorted(FILE_SYSTEMS))} or swap")
    if fs and format != "raw":
        raise DriverError(f"make file system {fs!r} on a {format} image: use FORMAT raw")
    if format == "qcow2":
        await _run("qemu-img", "create", "-q", "-f", "qcow2", str(path), f"{size_mib}M")
        return
    with path.open("wb") as file:
        file.truncate(size_mib << 20)
    if fs == "swap":
        await _run("mkswap", str(path))
    elif fs:
        await _run(f"mkfs.{fs}", *(("-F",) if fs.startswith("ext") else ()), str(path))


async def _run(*argv: str) -> None:
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except FileNotFoundError:
        raise DriverError(f"run {argv[0]}: it is not installed on the front-end; install it") from None
    try:
        output, _ = await asyncio.wait_for(process.communicate(), COMMAND_LIMIT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise DriverError(f"run {argv[0]}: no end after {COMMAND_LIMIT_S} s") from None
    if process.returncode:
        raise DriverError(f"run {argv[0]}: {output.decode(errors='replace').strip()}")
