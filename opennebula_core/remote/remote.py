"""Working on hosts, whichever they are: running commands there and copying files."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from opennebula_core.remote.arrival import Build, Place, make_file, write_file
from opennebula_core.remote.copying import Copy, Finish, Progress
from opennebula_core.remote.runner import Runner


class Remote(Runner):
    """The hosts that a driver works on. One per process; it belongs to one event loop.

    Hosts do not wait for one another. Connections open when they are first needed, serve many commands at a
    time, and close after a while without use. A host that is this machine is served without ssh.
    """

    async def write(
        self, host: str, path: str, content: bytes | str, *, timeout: timedelta, lock: str | None = None
    ) -> None:
        """Write a small file (mode 0600) under a temporary name, flush it, and give it its name.

        Folders above it are made.
        """
        await write_file(self, Place(host, path), content, timeout, lock)

    async def make(self, host: str, path: str, build: Build, *, lock: str | None = None) -> None:
        """Make a file by commands under a temporary name, flush it, and give it its name.

        :param build: given the temporary path, the commands to run there one after the other
        :raises DriverError: a command failed; nothing is left
        """
        await make_file(self, Place(host, path), build, lock)

    async def copy(
        self,
        source_host: str,
        source: str,
        destination_host: str,
        destination: str,
        *,
        progress: Progress | None = None,
        lock: str | None = None,
        finish: Finish | None = None,
    ) -> None:
        """Copy a file or a folder; holes stay holes; the destination is replaced when all is there.

        Between two hosts the data pass through this machine. A copy that breaks off leaves at most a
        ``.NAME.part-...`` beside the destination, which the next attempt removes.

        :param progress: told the bytes done and in all, a few times a second
        :param lock: held on the destination's host while something is written there
        :param finish: given the temporary path, one more command to run there before the copy gets its name
        :raises DriverError: there is no such file, no room, or what arrived is not what was sent
        """
        origin, target = Place(source_host, source), Place(destination_host, destination)
        await Copy(self, origin, target, progress=progress, lock=lock, finish=finish).run()

    async def put(
        self,
        local_path: str | Path,
        host: str,
        path: str,
        progress: Progress | None = None,
        *,
        lock: str | None = None,
        finish: Finish | None = None,
    ) -> None:
        """Copy from this machine to a host, as :meth:`copy` does."""
        await self.copy("", str(local_path), host, path, progress=progress, lock=lock, finish=finish)

    async def get(
        self,
        host: str,
        path: str,
        local_path: str | Path,
        progress: Progress | None = None,
        *,
        lock: str | None = None,
        finish: Finish | None = None,
    ) -> None:
        """Copy from a host to this machine, as :meth:`copy` does."""
        await self.copy(host, path, "", str(local_path), progress=progress, lock=lock, finish=finish)
