"""The datastore driver for a directory of the front-end."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, ClassVar

from opennebula_core.contracts.datastore import (
    Datastore,
    DatastoreAction,
    DatastoreDriver,
    DatastoreUsage,
    ImageFile,
    ImageRequest,
)
from opennebula_core.contracts.driver import Option
from opennebula_core.errors import DriverError
from opennebula_core.remote import Meter
from opennebula_datastore_fs.copying import copy_bytes, copy_file
from opennebula_datastore_fs.download import downloading, is_address
from opennebula_datastore_fs.headers import HEADER_BYTES, QCOW2, RAW, Header, read_header
from opennebula_datastore_fs.kept_snapshots import KeptSnapshots
from opennebula_datastore_fs.restrictions import Restrictions
from opennebula_datastore_fs.sources import Peeked, Source, Summed
from opennebula_datastore_fs.store import BYTES_PER_MIB, Store

BYTES_PER_GIB = 1024 * BYTES_PER_MIB
MAKING_TIMEOUT_S = 600
SUMS = ("MD5", "SHA1")
"""Attributes of an image that say what the file's sum shall be. Source: OpenNebula's datastore drivers."""

OPTIONS = (
    Option("max_image_gib", int, 1024, "No image is larger than this, unpacked, in GiB."),
    Option("download_timeout_s", int, 30, "Seconds without a byte after which a download has failed."),
    Option("allow_local_downloads", bool, False, "Let images be downloaded from the front-end itself."),
)

_FILE_SYSTEM = re.compile(r"[a-z][a-z0-9]{1,15}")
_PROGRAM_PATH = f"{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/local/sbin:/usr/sbin:/sbin"


class FsDatastoreDriver(DatastoreDriver):
    """Keeps images as files in a directory of the front-end.

    A new image has a temporary name until it is whole. Made again after a crash it gets the same name, so
    that there is one copy.
    """

    options: ClassVar[tuple[Option, ...]] = OPTIONS
    optional_actions: ClassVar[frozenset[DatastoreAction]] = frozenset(DatastoreAction)

    def stat(self, image: ImageRequest, datastore: Datastore) -> int:
        """Return the size in MiB of what is at the image's path; a packed raw image is read to its end."""
        is_kept_packed = _is_kept_packed(image, datastore)
        with self._source(image, datastore) as source:
            size = None if not is_kept_packed and source.is_packed() else source.size_bytes
            with source.unpacked(source.reader, is_kept_packed=is_kept_packed) as reader:
                header = read_header(reader.peek(), _declared(image))
                if header.virtual_bytes is not None:
                    size = header.virtual_bytes
                return _mib(self._count(reader) if size is None else size)

    def copy(self, image: ImageRequest, datastore: Datastore) -> ImageFile:
        """Bring the file at the image's path, or what its address gives, into the datastore."""
        store = Store.of(datastore)
        file = store.file_of(image)
        with self._source(image, datastore) as source, store.arriving(file) as target:
            self._bring(source, target, image, is_kept_packed=_is_kept_packed(image, datastore))
            header = _header_of(target, _declared(image))
        return ImageFile(str(file), header.format)

    def make(self, image: ImageRequest, datastore: Datastore) -> ImageFile:
        """Make an empty image, with a file system if one is asked for."""
        store = Store.of(datastore)
        file = store.file_of(image)
        format = QCOW2 if _declared(image) == QCOW2 else RAW
        if image.size_mib <= 0:
            raise DriverError(f"make image {image.image_id}: a size of {image.size_mib} MiB; give it a SIZE")
        with store.arriving(file) as target:
            path = f"/proc/self/fd/{target.fileno()}"
            target.truncate(image.size_mib * BYTES_PER_MIB)
            if image.fs:
                _run(_mkfs(image.fs, path), target)
            if format == QCOW2:
                _make_qcow2(target)
        return ImageFile(str(file), format)

    def clone(self, image: ImageRequest, datastore: Datastore) -> ImageFile:
        """Copy an image, which lies in this datastore or in one beside it."""
        store = Store.of(datastore)
        original = Path(os.path.normpath(image.path))
        if original.parent != store.folder and original.parent.parent != store.folder.parent:
            raise DriverError(f"clone {image.path!r}: it is no image of a datastore; correct its SOURCE")
        file = store.file_of(image)
        try:
            with open(original, "rb", opener=_no_links) as source, store.arriving(file) as target:
                meter = Meter(os.fstat(source.fileno()).st_size, image.report.progress)
                copy_file(source, target, meter)
        except OSError as error:
            raise DriverError(f"clone {image.path!r}: {error.strerror}; see the datastore") from error
        return ImageFile(str(file), image.format or RAW)

    def remove(self, image: ImageRequest, datastore: Datastore) -> None:
        """Remove the image's file; one that lies elsewhere, where the SOURCE was given, is not ours."""
        store = Store.of(datastore)
        if not image.source:
            store.remove(store.file_of(image))
        elif store.holds(image.source):
            store.remove(Path(image.source))
        else:
            image.report.warning(f"{image.source!r} stays: it is no image in {store.folder}")

    def snap_delete(self, image: ImageRequest, snapshot_id: int, datastore: Datastore) -> None:
        """Remove a snapshot of an image."""
        _held(image, Store.of(datastore)).remove(snapshot_id)

    def snap_revert(self, image: ImageRequest, snapshot_id: int, datastore: Datastore) -> None:
        """Copy a snapshot over its image, which is replaced at once."""
        store = Store.of(datastore)
        kept = _held(image, store)
        with kept.opened(snapshot_id) as source, store.arriving(kept.image) as target:
            copy_file(source, target, Meter(os.fstat(source.fileno()).st_size, image.report.progress))
            _header_of(target, _declared(image))

    def snap_flatten(self, image: ImageRequest, snapshot_id: int, datastore: Datastore) -> None:
        """Copy a snapshot over its image, and remove all snapshots."""
        store = Store.of(datastore)
        kept = _held(image, store)
        if not kept.is_flattened(snapshot_id):
            self.snap_revert(image, snapshot_id, datastore)
            kept.note_flattened(snapshot_id)
            store.flush()
        kept.remove_folder()

    def monitor(self, datastore: Datastore) -> DatastoreUsage:
        """Return the room on the file system of the datastore."""
        return Store.of(datastore).usage()

    @contextmanager
    def _source(self, image: ImageRequest, datastore: Datastore) -> Iterator[Source]:
        if is_address(image.path):
            timeout_s = float(self.setting("download_timeout_s"))
            may_be_local = bool(self.setting("allow_local_downloads"))
            with downloading(image.path, timeout_s, may_be_local=may_be_local) as source:
                yield source
        else:
            restrictions = Restrictions.of(datastore.template, self.driver_context.location)
            with restrictions.opened(image.path) as file:
                yield Source.of_file(file, image.path)

    def _bring(self, source: Source, target: BinaryIO, image: ImageRequest, *, is_kept_packed: bool) -> None:
        """Write the image's bytes, unpacked and checked, into ``target``."""
        meter = Meter(source.size_bytes or 0, image.report.progress)
        expected = {name: image.template.get(name) for name in SUMS}
        is_plain = is_kept_packed or not source.is_packed()
        if source.file is not None and is_plain and not any(expected.values()):
            if (source.size_bytes or 0) > self._limit_bytes:
                raise DriverError(f"copy {source.name!r}: it is too large; see the option max_image_gib")
            copy_file(source.file, target, meter)
            return
        summed = Summed(source.reader, expected)
        with source.unpacked(summed, is_kept_packed=is_kept_packed) as reader:
            copy_bytes(reader, target, self._limit_bytes, lambda: meter.reach(summed.count))
        summed.check(source.name)
        if is_plain and source.size_bytes is not None and summed.count < source.size_bytes:
            raise DriverError(f"copy {source.name!r}: it ended after {summed.count} bytes; try again")
        meter.finish()

    @property
    def _limit_bytes(self) -> int:
        return int(self.setting("max_image_gib")) * BYTES_PER_GIB

    def _count(self, reader: Peeked) -> int:
        size = 0
        while chunk := reader.read():
            size += len(chunk)
            if size > self._limit_bytes:
                raise DriverError(f"measure the image: over {size} bytes; see the option max_image_gib")
        return size


def _declared(image: ImageRequest) -> str:
    """Return the format that the image is said to have, empty if nobody says."""
    word = (image.format or image.template.get("FORMAT") or image.template.get("DRIVER")).lower()
    return word if word in (RAW, QCOW2) else ""


def _held(image: ImageRequest, store: Store) -> KeptSnapshots:
    """Return the snapshots of an image that lies in this datastore.

    :raises DriverError: it lies elsewhere
    """
    if not store.holds(image.source):
        raise DriverError(f"snapshots of {image.source!r}: it is no image in {store.folder}; see its SOURCE")
    return KeptSnapshots(Path(image.source))


def _is_kept_packed(image: ImageRequest, datastore: Datastore) -> bool:
    words = (image.template.get("NO_DECOMPRESS"), datastore.template.get("NO_DECOMPRESS"))
    return any(word.upper() == "YES" for word in words)


def _header_of(target: BinaryIO, declared: str) -> Header:
    """Look at what has arrived: the file that it came from may have changed since it was looked at."""
    target.flush()
    return read_header(os.pread(target.fileno(), HEADER_BYTES, 0), declared)


def _mkfs(fs: str, path: str) -> list[str]:
    if fs == "swap":
        return ["mkswap", path]
    if not _FILE_SYSTEM.fullmatch(fs):
        raise DriverError(f"make an image: {fs!r} is no file system; name one, such as ext4")
    return ["mkfs", "-t", fs, path]


def _make_qcow2(target: BinaryIO) -> None:
    """Turn a raw image that has just been made into a qcow2 one."""
    path = f"/proc/self/fd/{target.fileno()}"
    temporary = Path(os.readlink(path) + ".qcow2")
    try:
        _run(["qemu-img", "convert", "-f", RAW, "-O", QCOW2, path, str(temporary)], target)
        with open(temporary, "rb") as converted:
            target.truncate(0)
            copy_file(converted, target, Meter(0, None))
    finally:
        temporary.unlink(missing_ok=True)


def _run(argv: Sequence[str], target: BinaryIO) -> None:
    program = shutil.which(argv[0], path=_PROGRAM_PATH)
    if program is None:
        raise DriverError(f"make an image: {argv[0]!r} is not installed; install it")
    try:
        completed = subprocess.run(
            [program, *argv[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=os.environ | {"LC_ALL": "C", "PATH": _PROGRAM_PATH},
            pass_fds=[target.fileno()],
            timeout=MAKING_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DriverError(
            f"make an image: {argv[0]!r} took over {MAKING_TIMEOUT_S} s; see the disk"
        ) from None
    if completed.returncode:
        reason = " ".join(completed.stderr.split())
        raise DriverError(f"make an image: {argv[0]}: {reason}; exit status {completed.returncode}")


def _no_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW)


def _mib(size_bytes: int) -> int:
    return -(-size_bytes // BYTES_PER_MIB)
