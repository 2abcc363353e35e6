"""How something new gets its place on a machine: under a temporary name, flushed, and then renamed.

The temporary is a folder ``.NAME.part-XXXX`` beside the place. Only a driver that lives gives the command to
rename: what a dead one left running on a host can finish a temporary, but never replace the file.
"""

from __future__ import annotations

import asyncio
import logging
import posixpath
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from opennebula_core.errors import DriverError, OpenNebulaError
from opennebula_core.remote.commands import checked
from opennebula_core.remote.copy_scripts import PREPARE, SETTLE, WRITE
from opennebula_core.remote.machine import Completed
from opennebula_core.remote.runner import Runner

LOG = logging.getLogger(__name__)

STEP_TIMEOUT = timedelta(minutes=2)
SETTLE_TIMEOUT = timedelta(minutes=30)
"""For flushing a big file to a slow disk."""

Build = Callable[[str], Iterable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Place:
    """A path on a machine; the empty host is this one.

    :raises DriverError: the path is not absolute and plain
    """

    host: str
    path: str

    def __post_init__(self) -> None:
        if posixpath.normpath(self.path) != self.path or not self.path.startswith("/") or not self.name:
            raise DriverError(f"use {str(self)!r}: it is no plain absolute path; correct it")
        if "\n" in self.path or "\0" in self.path:
            raise DriverError(f"use {str(self)!r}: it holds a line break; correct it")

    @property
    def folder(self) -> str:
        """The folder that it lies in."""
        return posixpath.dirname(self.path)

    @property
    def name(self) -> str:
        """Its name in that folder."""
        return posixpath.basename(self.path)

    def __str__(self) -> str:
        return f"{self.host}:{self.path}" if self.host else self.path


class Arrival:
    """Something that is to get a place.

    :param lock: held on the machine during each step
    """

    def __init__(self, runner: Runner, place: Place, lock: str | None) -> None:
        self.place = place
        self.lock = lock
        self.what = f"write {place.path}"
        self._runner = runner
        self._part = f".{place.name}.part-{uuid.uuid4().hex[:12]}"
        self.part_path = posixpath.join(place.folder, self._part)

    @asynccontextmanager
    async def prepared(self, needed_bytes: int = 0) -> AsyncIterator[None]:
        """Make the temporary folder, for the length of a block that ends with :meth:`settle`.

        What earlier attempts left is removed; so is the temporary when the block fails.

        :raises DriverError: there is less room than ``needed_bytes``
        """
        place = self.place
        await self.script(PREPARE, place.folder, place.name, self._part, str(needed_bytes))
        try:
            yield
        except BaseException:
            await asyncio.shield(self._drop())
            raise

    async def script(self, text: str, *arguments: str, timeout: timedelta = STEP_TIMEOUT) -> Completed:
        """Run one of our scripts there."""
        completed = await self._runner.script(
            self.place.host, text, arguments, timeout=timeout, lock=self.lock, check=False
        )
        return checked(completed, self.place.host, self.what)

    async def run(self, argv: Sequence[str]) -> None:
        """Run a command there whose files are for nobody else to read."""
        completed = await self._runner.run(
            self.place.host, private(argv), timeout=SETTLE_TIMEOUT, lock=self.lock, check=False
        )
        checked(completed, self.place.host, f"{self.what} with {argv[0]!r}")

    async def settle(self, name: str) -> None:
        """Flush what lies as ``name`` in the temporary folder and move it to its place.

        A file that is there is replaced at once; a folder is set aside, and removed.
        """
        arguments = [self.place.folder, self.place.name, self._part, name]
        await self.script(SETTLE, *arguments, timeout=SETTLE_TIMEOUT)

    async def _drop(self) -> None:
        try:
            argv = ["rm", "-rf", "--", self.part_path]
            await self._runner.run(self.place.host, argv, timeout=STEP_TIMEOUT)
        except OpenNebulaError as error:
            LOG.warning("host %s: %s may be left over: %s", self.place.host, self.part_path, error)


def private(argv: Sequence[str]) -> list[str]:
    """Return the command with a umask: its files are for nobody else, its folders to pass through."""
    return ["sh", "-c", 'umask 066; exec "$@"', "sh", *argv]


async def make_file(runner: Runner, place: Place, build: Build, lock: str | None) -> None:
    """Make a file with commands, as :meth:`Remote.make` says."""
    arrival = Arrival(runner, place, lock)
    async with arrival.prepared():
        for argv in build(posixpath.join(arrival.part_path, place.name)):
            await arrival.run(argv)
        await arrival.settle(place.name)


async def write_file(
    runner: Runner, place: Place, content: bytes | str, timeout: timedelta, lock: str | None
) -> None:
    """Write a small file, as :meth:`Remote.write` says."""
    part = f".{place.name}.part-{uuid.uuid4().hex[:12]}"
    data = content.encode() if isinstance(content, str) else content
    argv = ["sh", "-c", WRITE, "sh", place.folder, place.name, part, str(len(data))]
    completed = await runner.run(place.host, argv, stdin=data, timeout=timeout, lock=lock, check=False)
    checked(completed, place.host, f"write {place.path}")
