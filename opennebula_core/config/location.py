"""Where a cloud keeps its files: everything hangs below ONE_LOCATION."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Location:
    """The paths of one cloud. ``Path(location)`` and ``os.fspath(location)`` give the root."""

    root: Path

    @classmethod
    def at(cls, path: str | os.PathLike[str]) -> Self:
        """Return the location at ``path``, made absolute so that child processes agree on it."""
        return cls(Path(path).expanduser().absolute())

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Return what ``ONE_LOCATION`` names, else ``~/.one``."""
        return cls.at(environ.get("ONE_LOCATION") or "~/.one")

    def __fspath__(self) -> str:
        return str(self.root)

    def __str__(self) -> str:
        return str(self.root)

    @property
    def etc(self) -> Path:
        """Configuration."""
        return self.root / "etc"

    @property
    def config_file(self) -> Path:
        """The one configuration file."""
        return self.etc / "oned.toml"

    @property
    def var(self) -> Path:
        """State."""
        return self.root / "var"

    @property
    def log(self) -> Path:
        """Logs of the programs; a VM's own log lies in its folder."""
        return self.var / "log"

    @property
    def run(self) -> Path:
        """Files that tell what runs."""
        return self.var / "run"

    @property
    def datastores(self) -> Path:
        """The front-end's datastores, ``<datastores>/<id>``."""
        return self.var / "datastores"

    @property
    def vms(self) -> Path:
        """One folder a VM: deployment descriptions, transfer scripts, context files, log."""
        return self.var / "vms"

    @property
    def hooks(self) -> Path:
        """Commands of hooks; what lies elsewhere is not run unless the configuration allows it."""
        return self.var / "remotes" / "hooks"

    @property
    def database_file(self) -> Path:
        """The SQLite database."""
        return self.var / "one.db"

    @property
    def auth_file(self) -> Path:
        """``oneadmin:password``, written at the first start, mode 0600."""
        return self.root / "one_auth"

    @property
    def scheduler_auth_file(self) -> Path:
        """``serveradmin:secret``, with which the scheduler signs its requests, mode 0600."""
        return self.var / ".one" / "sched_auth"

    @property
    def token_key_file(self) -> Path:
        """The key under which login tokens are stored, mode 0600; a backup of the database needs it, too."""
        return self.var / ".one" / "token_key"

    def pid_file(self, program: str) -> Path:
        """Return the file that holds the process id of ``oned`` or ``onesched``."""
        return self.run / f"{program}.pid"

    def log_file(self, program: str) -> Path:
        """Return the log of a program, such as ``oned``."""
        return self.log / f"{program}.log"

    def vm_folder(self, vm_id: int) -> Path:
        """Return the folder of a VM on the front-end."""
        return self.vms / str(vm_id)

    def vm_log(self, vm_id: int) -> Path:
        """Return the log of a VM."""
        return self.vm_folder(vm_id) / "vm.log"

    def create(self) -> None:
        """Make the folders that are missing, closed to everybody else; may be repeated."""
        for folder in (
            self.root,
            self.etc,
            self.var,
            self.log,
            self.run,
            self.datastores,
            self.vms,
            self.hooks,
        ):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.scheduler_auth_file.parent.mkdir(mode=0o700, exist_ok=True)
