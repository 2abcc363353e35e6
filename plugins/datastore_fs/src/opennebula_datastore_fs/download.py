"""Images from http and https addresses."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from pathlib import Path

from opennebula_core.contracts.driver import Report
from opennebula_core.errors import DriverError

CHUNK = 1 << 20
CONNECT_TIMEOUT_S = 30
REPORT_EVERY = 16 << 20


def is_address(path: str) -> bool:
    """Return whether an image's path is an address to download from."""
    return path.startswith(("http://", "https://"))


def remote_size(address: str) -> int:
    """Return the bytes that a server announces.

    :raises DriverError: it cannot be asked or does not say
    """
    request = urllib.request.Request(address, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=CONNECT_TIMEOUT_S) as answer:
            length = answer.headers.get("Content-Length", "")
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise DriverError(f"ask for {address}: {error}") from error
    if not length.isdigit():
        raise DriverError(
            f"ask for {address}: the server does not say how large it is; give the image a SIZE"
        )
    return int(length)


def download(address: str, target: Path, limit: int, timeout_s: int, report: Report) -> None:
    """Download to a file.

    :param limit: bytes; a larger file is refused
    :raises DriverError: it fails, is cut off, too large or too slow
    """
    deadline = time.monotonic() + timeout_s
    try:
        with urllib.request.urlopen(address, timeout=CONNECT_TIMEOUT_S) as answer, target.open("wb") as file:
            total = int(answer.headers.get("Content-Length") or 0)
            done = reported = 0
            while chunk := answer.read(CHUNK):
                done += len(chunk)
                if done > limit:
                    raise DriverError(f"download {address}: it is larger than {limit >> 20} MiB")
                if time.monotonic() > deadline:
                    raise DriverError(f"download {address}: no end after {timeout_s} s")
                file.write(chunk)
                if done - reported >= REPORT_EVERY:
                    reported = done
                    report.progress(done, max(total, done))
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise DriverError(f"download {address}: {error}") from error
    if total and done != total:
        raise DriverError(f"download {address}: it was cut off after {done} of {total} bytes")
