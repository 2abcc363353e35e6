"""Copies that keep holes, and files that appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from opennebula_core.contracts.driver import Report
from opennebula_core.errors import DriverError

CHUNK = 4 << 20
REPORT_EVERY = 64 << 20


def temporary_beside(target: Path) -> Path:
    """Return the name under which a file is made before it is renamed; what an earlier attempt left goes."""
    temporary = target.with_name(f".{target.name}.part")
    temporary.unlink(missing_ok=True)
    return temporary


def place(temporary: Path, target: Path) -> None:
    """Flush a finished file to the disk and give it its name."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.chmod(0o660)
    temporary.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def copy_file(source: Path, target: Path, report: Report) -> None:
    """Copy a file, holes kept.

    :raises DriverError: it cannot be read or written
    """
    try:
        with source.open("rb") as reader, target.open("wb") as writer:
            total = os.fstat(reader.fileno()).st_size
            writer.truncate(total)
            _copy_data(reader.fileno(), writer.fileno(), total, report)
    except OSError as error:
        raise DriverError(
            f"copy {source} to {target.parent}: {error.strerror}; check rights and space"
        ) from error


def _copy_data(reader: int, writer: int, total: int, report: Report) -> None:
    done, reported = 0, 0
    while done < total:
        try:
            start = os.lseek(reader, done, os.SEEK_DATA)
        except OSError:
            break  # only a hole is left
        end = os.lseek(reader, start, os.SEEK_HOLE)
        while start < end:
            copied = os.copy_file_range(reader, writer, min(CHUNK, end - start), start, start)
            if not copied:
                raise OSError(5, "the file became shorter while it was copied")
            start += copied
            if start - reported >= REPORT_EVERY:
                reported = start
                report.progress(start, total)
        done = end
    report.progress(total, total)
