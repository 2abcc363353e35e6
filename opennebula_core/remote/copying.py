"""Copies of files and folders between machines: sparse, checked, and never half there under their name.

A copy travels as a stream of GNU ``tar``, which sends holes as holes, or is made on one machine by ``cp``.
What arrived is compared with what was sent before it gets its place.
"""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from opennebula_core.errors import DriverError, DriverTimeoutError
from opennebula_core.remote.arrival import SETTLE_TIMEOUT, STEP_TIMEOUT, Arrival, Place, private
from opennebula_core.remote.commands import checked
from opennebula_core.remote.copy_scripts import ARRIVED, MEASURE
from opennebula_core.remote.machine import CHUNK_BYTES, Completed, Process, collect_tail, exchange
from opennebula_core.remote.progress import Meter
from opennebula_core.remote.runner import Runner

Progress = Callable[[int, int], None]
Finish = Callable[[str], Sequence[str]]

POLL_PERIOD_S = 0.5


@dataclass(frozen=True, slots=True)
class Measured:
    """What is to be copied: where it really lies, bytes on disk, and a list of what is in it."""

    path: str
    size_bytes: int
    listing: str

    @property
    def name(self) -> str:
        """Its name, which the copy has until it is renamed."""
        return posixpath.basename(self.path)


class Copy:
    """One copy."""

    def __init__(
        self,
        runner: Runner,
        source: Place,
        target: Place,
        *,
        progress: Progress | None = None,
        lock: str | None = None,
        finish: Finish | None = None,
    ) -> None:
        self._runner = runner
        self._source = source
        self._target = target
        self._progress = progress
        self._finish = finish
        self._arrival = Arrival(runner, target, lock)

    async def run(self) -> None:
        """Do it."""
        measured = await self._measure()
        needed = 0 if self._is_one_machine() else measured.size_bytes  # cp may share blocks
        async with self._arrival.prepared(needed):
            await self._transport(measured)
            await self._verify(measured)
            if self._finish is not None:
                await self._arrival.run(self._finish(f"{self._arrival.part_path}/{measured.name}"))
            await self._arrival.settle(measured.name)

    async def _measure(self) -> Measured:
        completed = await self._runner.script(
            self._source.host, MEASURE, [self._source.path], timeout=STEP_TIMEOUT, check=False
        )
        checked(completed, self._source.host, f"read {self._source.path}")
        path, size, listing = [*completed.stdout.split("\n", 2), "", ""][:3]
        if not size.isdecimal() or not path.startswith("/"):
            raise DriverError(f"copy {self._source}: its size is not to be had; see the host's du and find")
        refuse_unsafe(listing, self._source)
        return Measured(path, int(size), listing)

    async def _transport(self, measured: Measured) -> None:
        meter = Meter(measured.size_bytes, self._progress, self._runner.options.bandwidth_bytes_per_s)
        if self._is_one_machine():
            await self._copy_there(measured, meter)
        else:
            await self._stream(measured, meter)
        meter.finish()

    def _is_one_machine(self) -> bool:
        source, target = self._source.host, self._target.host
        return source == target or (self._runner.is_local(source) and self._runner.is_local(target))

    async def _copy_there(self, measured: Measured, meter: Meter) -> None:
        argv = [
            "cp",
            "-R",
            "-P",
            "--sparse=auto",
            "--reflink=auto",
            "--",
            measured.path,
            self._arrival.part_path,
        ]
        async with self._receiver(argv) as process:
            copying = asyncio.create_task(exchange(process, b""))
            try:
                await self._watch(copying, meter)
                checked(copying.result(), self._target.host, self._arrival.what)
            finally:
                copying.cancel()
                await asyncio.wait([copying])

    async def _watch(self, copying: asyncio.Task[Completed], meter: Meter) -> None:
        """Follow a copy by the growth of its temporary."""
        clock = asyncio.get_running_loop().time
        size, grown_at = 0, clock()
        while not (await asyncio.wait([copying], timeout=POLL_PERIOD_S))[0]:
            argv = ["du", "-s", "-B1", "--", self._arrival.part_path]
            completed = await self._runner.run(self._target.host, argv, timeout=STEP_TIMEOUT, check=False)
            now = int(completed.stdout.split()[0]) if completed.status == 0 else size
            if now != size:
                size, grown_at = now, clock()
                meter.reach(size)
            elif clock() - grown_at > self._runner.options.stall_timeout.total_seconds():
                raise self._stalled()

    async def _stream(self, measured: Measured, meter: Meter) -> None:
        folder = posixpath.dirname(measured.path)
        send = ["tar", "-c", "-S", "-f", "-", "-C", folder, "--", f"./{measured.name}"]
        receive = [
            "tar",
            "-x",
            "-f",
            "-",
            "-C",
            self._arrival.part_path,
            "--no-same-owner",
            "--no-same-permissions",
        ]
        async with (
            self._receiver(receive) as receiver,
            self._runner.process(self._source.host, send, is_bulk=True) as sender,
        ):
            sent, received = asyncio.create_task(_end_of(sender)), asyncio.create_task(_whole(receiver))
            try:
                if await self._pump(sender, receiver, meter):
                    checked(await sent, self._source.host, f"read {self._source.path}")
                checked(await self._in_time(received), self._target.host, self._arrival.what)
            finally:
                sent.cancel()
                received.cancel()
                await asyncio.wait([sent, received])

    async def _pump(self, sender: Process, receiver: Process, meter: Meter) -> bool:
        """Move all bytes; return whether the receiver took them."""
        limit_s = self._runner.options.stall_timeout.total_seconds()
        try:
            while True:
                async with asyncio.timeout(limit_s):
                    chunk = await sender.read(CHUNK_BYTES)
                    if not chunk:
                        await receiver.finish_input()
                        return True
                    await receiver.write(chunk)
                await meter.advance(len(chunk))
        except BrokenPipeError:
            return False
        except TimeoutError:
            raise self._stalled() from None

    async def _in_time(self, received: asyncio.Task[Completed]) -> Completed:
        done, _ = await asyncio.wait([received], timeout=SETTLE_TIMEOUT.total_seconds())
        if not done:
            raise self._stalled()
        return received.result()

    def _stalled(self) -> DriverTimeoutError:
        limit_s = self._runner.options.stall_timeout.total_seconds()
        return DriverTimeoutError(
            f"copy {self._source} to {self._target}: nothing has moved for {limit_s:g} s; see what hangs"
        )

    def _receiver(self, argv: Sequence[str]) -> AbstractAsyncContextManager[Process]:
        """Start what writes on the target."""
        lock = self._arrival.lock
        return self._runner.process(self._target.host, private(argv), lock=lock, is_bulk=True)

    async def _verify(self, measured: Measured) -> None:
        completed = await self._arrival.script(ARRIVED, self._arrival.part_path, measured.name)
        refuse_unsafe(completed.stdout, self._target)
        if completed.stdout != measured.listing:
            raise DriverError(
                f"copy {self._source} to {self._target}: what arrived is not what was sent; "
                "see whether somebody writes to it, and try again"
            )


def refuse_unsafe(listing: str, place: Place) -> None:
    """Refuse what is neither file nor folder, and links that lead out of the folder.

    :raises DriverError: the listing has such a thing
    """
    entries = [entry for entry in listing.split("\0") if entry]
    for entry in entries:
        kind, _, rest = entry.partition(" ")
        leads_out = kind == "l" and (rest.startswith("/") or ".." in rest)
        if kind not in ("f", "d", "l", "folder", "file") or leads_out:
            raise DriverError(f"copy {place}: it holds {entry!r}, which is no plain file; remove that")
    if not entries:
        raise DriverError(f"copy {place}: it is neither a file nor a folder; correct the path")


async def _end_of(process: Process) -> Completed:
    errors, status = await asyncio.gather(collect_tail(process.read_errors), process.wait())
    return Completed(status, "", errors.decode(errors="replace"))


async def _whole(process: Process) -> Completed:
    output, ended = await asyncio.gather(collect_tail(process.read), _end_of(process))
    return Completed(ended.status, output.decode(errors="replace"), ended.stderr)
