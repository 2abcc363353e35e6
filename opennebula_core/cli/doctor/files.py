"""Files of a cloud: who may read what is secret, whether the certificate is valid, whether there is room."""

from __future__ import annotations

import ipaddress
import os
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509

from opennebula_core.cli.doctor.findings import Finding, error, ok, warning
from opennebula_core.cli.quantities import size_text
from opennebula_core.config import Config
from opennebula_core.config.location import Location

FOR_OTHERS: Final = 0o077
CLOCK_SLACK_S: Final = 60
RENEW_BEFORE: Final = timedelta(days=30)
LOW_ROOM_KIB, NO_ROOM_KIB = 1024 * 1024, 64 * 1024


def examine_files(location: Location, config: Config | None) -> Iterator[Finding]:
    """Yield what is wrong with the modes and owners of secret files.

    :param config: None when it cannot be read, so that files that it names are not known
    """
    files = [location.auth_file, location.scheduler_auth_file, location.token_key_file]
    if config is not None:
        if config.api.key:
            files.append(config.file(config.api.key))
        if not _is_behind_closed_folder(config.database_file, location):
            files.append(config.database_file)
    findings = [finding for file in files for finding in _of_secret(file)]
    if not location.auth_file.exists():
        findings.append(
            error("files", f"{location.auth_file} is missing: nobody knows oneadmin's password here",
                  "name a file with 'user:password' in ONE_AUTH")
        )  # fmt: skip
    if not findings:
        yield ok("files", f"what is secret is closed to others: {', '.join(_names(files))}")
    yield from findings


def _is_behind_closed_folder(file: Path, location: Location) -> bool:
    """Return whether nobody else gets to a file, whatever its own mode: a folder of the cloud is closed."""
    folders = [folder for folder in file.parents if folder.is_relative_to(location.root) and folder.is_dir()]
    return any(not stat.S_IMODE(folder.stat().st_mode) & FOR_OTHERS for folder in folders)


def _names(files: list[Path]) -> list[str]:
    return [file.name for file in files if file.exists()]


def _of_secret(file: Path) -> Iterator[Finding]:
    try:
        found = file.stat()
    except FileNotFoundError:
        return
    except OSError as problem:
        yield error("files", f"{file}: {problem.strerror}", "run this as the user that the cloud runs as")
        return
    mode = stat.S_IMODE(found.st_mode)
    if mode & FOR_OTHERS:
        yield error("files", f"{file} is open to other users (mode {mode:03o})", f"chmod 600 {file}")
    if not os.access(file, os.R_OK):
        yield error("files", f"{file} cannot be read by you", "run this as the user that the cloud runs as")


def examine_certificate(config: Config) -> Iterator[Finding]:
    """Yield whether the API's certificate is valid, and for how long; nothing without one."""
    if not config.api.certificate:
        yield from _of_plain_http(config)
        return
    path = config.file(config.api.certificate)
    remedy = f"put a valid certificate into {path}, then: one stop; one start"
    try:
        certificate = x509.load_pem_x509_certificates(path.read_bytes())[0]
    except (OSError, ValueError) as problem:
        yield error("certificate", f"{path} cannot be read: {problem}", remedy)
        return
    now = datetime.now(UTC)
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if last <= now:
        yield error("certificate", f"{path} has expired on {last:%Y-%m-%d %H:%M} UTC", remedy)
    elif first > now:
        yield error("certificate", f"{path} is not valid before {first:%Y-%m-%d %H:%M} UTC", remedy)
    elif last - now < RENEW_BEFORE:
        yield warning("certificate", f"{path} expires on {last:%Y-%m-%d %H:%M} UTC", remedy)
    else:
        yield ok("certificate", f"{path} is valid until {last:%Y-%m-%d}")


def _of_plain_http(config: Config) -> Iterator[Finding]:
    """Yield a warning when passwords go over a network unencrypted."""
    try:
        is_local = ipaddress.ip_address(config.api.listen).is_loopback
    except ValueError:
        is_local = config.api.listen == "localhost"
    if not is_local:
        said = f"the API listens on {config.api.listen} without TLS: passwords can be read on the way"
        yield warning("certificate", said, f"set [api] certificate and key in {config.location.config_file}")


def examine_room(config: Config) -> Iterator[Finding]:
    """Yield whether the database can grow, and whether the clock has not gone back behind it."""
    file = config.database_file
    folder = file.parent if file.parent.is_dir() else config.location.root
    free_kib = shutil.disk_usage(folder).free / 1024
    text = f"{size_text(free_kib)} free for database and logs in {folder}"
    if free_kib < NO_ROOM_KIB:
        yield error("room", text, f"make room in {folder}")
    elif free_kib < LOW_ROOM_KIB:
        yield warning("room", text, f"make room in {folder}")
    else:
        yield ok("room", text)
    ahead_s = _ahead_s(file)
    if ahead_s > CLOCK_SLACK_S:
        yield error("clock", f"{file} was written {ahead_s:.0f} s in the future: the clock has gone back",
                    "set the clock (timedatectl set-ntp true)")  # fmt: skip


def _ahead_s(file: Path) -> float:
    """Return how far in the future a file was written."""
    try:
        return file.stat().st_mtime - datetime.now(UTC).timestamp()
    except OSError:
        return 0.0
