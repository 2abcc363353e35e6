"""Which programs hooks may run: those of the hooks' folder, and of folders that the configuration names."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Final

from opennebula_core.errors import InternalError, OpenNebulaError

MAX_LENGTH: Final = 1024


class CommandError(OpenNebulaError):
    """A command cannot be run."""


def words_of(command: str) -> list[str]:
    """Return the program of a command, and the words that it always gets."""
    return command.split()


def check_command(command: str, allowed_folders: Iterable[str]) -> None:
    """Check that a command names a file where hooks may lie; nothing is looked at on the disk.

    :raises InternalError: it does not
    """
    if not command.strip():
        raise InternalError("No COMMAND in the hook's template; name a file of the hooks' folder")
    if len(command) > MAX_LENGTH or not command.isprintable():
        raise InternalError("COMMAND is no file name; write one of at most 1024 printable characters")
    command = words_of(command)[0]
    if command.startswith("/"):
        if not _is_below(os.path.normpath(command), allowed_folders):
            raise InternalError(
                f"COMMAND {command!r} lies outside of the hooks' folder; put it there, or add its folder to "
                f"[hooks] allowed_folders in oned.toml"
            )
    elif os.path.normpath(command).startswith(".."):
        raise InternalError(f"COMMAND {command!r} leaves the hooks' folder; name a file in it")


def local_command(command: str, folder: Path, allowed_folders: Iterable[str]) -> str:
    """Return the path of a program on this machine, links followed.

    :raises CommandError: it is not there, no program, or lies where no hooks may lie
    """
    path = (folder / command).resolve()
    roots = [str(root) for root in (folder.resolve(), *(Path(name).resolve() for name in allowed_folders))]
    if not _is_below(str(path), roots):
        raise CommandError(
            f"run {command!r}: it is {str(path)!r}, outside of the hooks' folder; add its folder to [hooks] "
            f"allowed_folders in oned.toml"
        )
    if not path.is_file():
        raise CommandError(f"run {command!r}: there is no file {str(path)!r}; put it there")
    if not os.access(path, os.X_OK):
        raise CommandError(f"run {command!r}: {str(path)!r} may not be executed; chmod +x it")
    return str(path)


def remote_command(command: str, folder: str) -> str:
    """Return the path of a program on a host."""
    return str(PurePosixPath(folder) / os.path.normpath(command))


def _is_below(path: str, folders: Iterable[str]) -> bool:
    return any(PurePosixPath(path).is_relative_to(os.path.normpath(folder)) for folder in folders)
