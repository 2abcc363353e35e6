"""Which files of the front-end may become images: not its secrets, whatever links lead to them.

Source of the attributes: RESTRICTED_DIRS and SAFE_DIRS of OpenNebula's datastores.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from opennebula_core.errors import DriverError
from opennebula_core.model.template import Template

ALWAYS_RESTRICTED = ("/etc", "/root", "/proc", "/sys", "/dev", "/run", "/boot", "/var/run", "/var/log")
HOME_RESTRICTED = (".ssh", ".one", ".gnupg", ".config")


@dataclass(frozen=True, slots=True)
class Restrictions:
    """Folders from which no image may come, and folders in them from which one may.

    The folder that says most about a path decides; where one is both, it is safe.
    """

    restricted: tuple[str, ...]
    safe: tuple[str, ...]

    @classmethod
    def of(cls, template: Template, location: Path) -> Restrictions:
        """Return what holds for a datastore.

        :param template: the datastore's; its RESTRICTED_DIRS add to what is always restricted
        :param location: ``ONE_LOCATION``
        """
        home = [str(Path.home() / name) for name in HOME_RESTRICTED]
        always = [*ALWAYS_RESTRICTED, *home, str(location)]
        restricted = _real([*always, *template.get("RESTRICTED_DIRS").split()])
        return cls(restricted, _real(template.get("SAFE_DIRS").split()))

    def check(self, path: str) -> None:
        """Refuse a path, which must be real (without links).

        :raises DriverError: it lies in a restricted folder
        """
        restricted = max((len(folder) for folder in self.restricted if _is_below(path, folder)), default=-1)
        safe = max((len(folder) for folder in self.safe if _is_below(path, folder)), default=-1)
        if restricted > safe:
            raise DriverError(
                f"read {path!r}: it lies in a restricted folder; put the file elsewhere, or name its folder "
                "in the datastore's SAFE_DIRS"
            )

    @contextmanager
    def opened(self, path: str) -> Iterator[BinaryIO]:
        """Open a file that may be read.

        What is opened is looked at, and not its name: that may lead elsewhere a moment later.

        :raises DriverError: it is restricted, no plain file, or not there
        """
        if not path.startswith("/"):
            raise DriverError(f"read {path!r}: it is no absolute path and no http address; correct PATH")
        try:
            self.check(os.path.realpath(path))  # so that it is not even told what there is
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise DriverError(f"read {path!r}: {reason}; correct PATH") from error
        try:
            self.check(os.readlink(f"/proc/self/fd/{descriptor}"))
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise DriverError(f"read {path!r}: it is no plain file; correct PATH")
            with open(descriptor, "rb", closefd=False) as file:
                yield file
        finally:
            os.close(descriptor)


def _real(folders: Iterable[str]) -> tuple[str, ...]:
    """Return the folders both as they are written and where they really are."""
    plain = {os.path.normpath(folder) for folder in folders if folder.startswith("/")}
    return tuple(sorted(plain | {os.path.realpath(folder) for folder in plain}))


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
