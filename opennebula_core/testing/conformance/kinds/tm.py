"""Checks of transfer drivers: every verb of their scripts, run twice and after a kill, and what is there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from opennebula_core.testing.conformance.bench import Bench
from opennebula_core.testing.conformance.checks import Check
from opennebula_core.testing.conformance.kinds.snapshots import Snapshots
from opennebula_core.testing.conformance.kinds.tm_requests import CONTENT, MIB, TransferRequests
from opennebula_core.testing.conformance.outcome import CheckFailedError

SIZE_MIB: Final = 3
ISO_MAGIC_AT: Final = 16 * 2048 + 1
"""Source: ISO 9660: the sixteenth sector begins with a type and the letters CD001."""

PERIOD_S: Final = 0.005
BEGIN_TRIES: Final = 60
"""So many periods a transfer is given to begin, before the driver is killed."""


class TmKind(TransferRequests):
    """Transfer drivers."""

    def checks(self) -> Sequence[Check]:
        """Return the checks of all verbs."""
        return [
            Check("action.TRANSFER", "the first command that fails ends a script", self.first_failure),
            Check("action.CLONE", "an image becomes a disk, run once or again", self.clone),
            Check("action.CLONE-failure", "without its image there is no disk", self.clone_failure),
            Check(
                "action.CLONE-killed",
                "a clone cut short does not look whole, and is repeated",
                self.clone_killed,
            ),
            Check("action.CLONE-together", "disks made at once hold what each was made from", self.together),
            Check("action.LN", "a persistent image becomes a disk, run once or again", self.link),
            Check("action.MKIMAGE", "an empty disk has its size, made once or again", self.make_image),
            Check("action.MKSWAP", "a swap disk has its size, made once or again", self.make_swap),
            Check("action.CONTEXT", "the context CD is one, made once or again", self.context),
            Check("action.MV", "a VM moves disk by disk and then as a whole, run once or again", self.move),
            Check("action.MVDS", "a persistent disk is written back over its image", self.write_back),
            Check("action.DELETE", "a disk goes, and what is gone is gone", self.delete),
            *Snapshots(self).checks(),
        ]

    async def first_failure(self, bench: Bench) -> None:
        """Run two commands, the first of which cannot be done."""
        self.needs_effects()
        vm_id = bench.new_id()
        disk = self.folder(vm_id) / "disk.1"
        first = self.line(
            "CLONE", bench.folder / "absent", self.at(self.folder(vm_id) / "disk.0"), vm_id=vm_id
        )
        second = self.line("CLONE", self.image(vm_id), self.at(disk), vm_id=vm_id)
        await self.fail(self.script(vm_id, f"{first}\n{second}"), "whose first command fails")
        self.must_be_gone(disk)

    async def clone(self, bench: Bench) -> None:
        """Copy."""
        self.needs("CLONE")
        await self._copies("CLONE")

    async def link(self, bench: Bench) -> None:
        """Copy or link."""
        self.needs("LN")
        await self._copies("LN")

    async def _copies(self, verb: str) -> None:
        vm_id = self.bench.new_id()
        image, disk = self.image(vm_id), self.folder(vm_id) / "disk.0"

        def look() -> None:
            self.must_hold(disk, size=len(CONTENT))
            self.must_hold(image, size=len(CONTENT))

        await self.run(vm_id, self.line(verb, image, self.at(disk), vm_id=vm_id, datastore_id=1), look)

    async def clone_failure(self, bench: Bench) -> None:
        """Copy what is not there."""
        self.needs("CLONE")
        self.needs_effects()
        vm_id = bench.new_id()
        disk = self.folder(vm_id) / "disk.0"
        text = self.line("CLONE", bench.folder / "absent", self.at(disk), vm_id=vm_id)
        await self.fail(self.script(vm_id, text), "of an image that is not there")
        self.must_be_gone(disk)

    async def clone_killed(self, bench: Bench) -> None:
        """Kill the driver at work."""
        self.needs("CLONE")
        vm_id = bench.new_id()
        image, disk = self.image(vm_id), self.folder(vm_id) / "disk.0"
        content = CONTENT * 200
        image.write_bytes(content)
        text = self.line("CLONE", image, self.at(disk), vm_id=vm_id)
        driver = await bench.driver()
        driver.send(bench.encode(self.script(vm_id, text)), "TRANSFER", vm_id)
        await self._begun(disk.parent)
        await bench.killed()
        if disk.exists() and not self.subject.pretends and disk.stat().st_size != len(content):
            raise CheckFailedError("no disk, or a whole one, after a kill", f"{disk.stat().st_size} bytes")
        await self.succeed(self.script(vm_id, text, attempt=2), "after a kill in its midst")
        if not self.subject.pretends:
            self.must_hold(disk, content, len(content))

    async def _begun(self, folder: Path) -> None:
        """Wait until something is in a folder, but not for long."""
        for _ in range(BEGIN_TRIES):
            await asyncio.sleep(PERIOD_S)
            if folder.is_dir() and any(folder.iterdir()):
                return

    async def together(self, bench: Bench) -> None:
        """Make disks of several VMs at once."""
        self.needs("CLONE")
        disks: dict[Path, bytes] = {}
        scripts = []
        for vm_id in [bench.new_id() for _ in range(5)]:
            image, disk = self.image(vm_id), self.folder(vm_id) / "disk.0"
            image.write_bytes(disks.setdefault(disk, str(vm_id).encode() * 5000))
            scripts.append(self.script(vm_id, self.line("CLONE", image, self.at(disk), vm_id=vm_id)))
        await self.succeed_together(scripts)
        for disk, content in disks.items():
            if not self.subject.pretends:
                self.must_hold(disk, content, len(content))

    async def make_image(self, bench: Bench) -> None:
        """Make an empty disk."""
        self.needs("MKIMAGE")
        vm_id = bench.new_id()
        disk = self.folder(vm_id) / "disk.1"
        text = self.line("MKIMAGE", SIZE_MIB, "raw", self.at(disk), vm_id=vm_id)
        await self.run(vm_id, text, lambda: self.must_hold(disk, b"\0" * MIB, SIZE_MIB * MIB))

    async def make_swap(self, bench: Bench) -> None:
        """Make a swap disk."""
        self.needs("MKSWAP")
        vm_id = bench.new_id()
        disk = self.folder(vm_id) / "disk.1"
        text = self.line("MKSWAP", SIZE_MIB, self.at(disk), vm_id=vm_id)
        await self.run(vm_id, text, lambda: self.must_hold(disk, b"", SIZE_MIB * MIB))

    async def context(self, bench: Bench) -> None:
        """Make the context CD."""
        self.needs("CONTEXT")
        vm_id = bench.new_id()
        disk = self.folder(vm_id) / "disk.1"
        variables = bench.folder / f"context.{vm_id}.sh"
        variables.write_text("ETH0_IP='10.0.0.7'\n")

        def look() -> None:
            self.must_hold(disk, b"")
            content = disk.read_bytes()
            if content[ISO_MAGIC_AT : ISO_MAGIC_AT + 5] != b"CD001" or b"10.0.0.7" not in content:
                raise CheckFailedError("an ISO 9660 image with the context", f"{len(content)} bytes")

        text = self.line("CONTEXT", f"{variables}:context.sh", self.at(disk), vm_id=vm_id)
        await self.run(vm_id, text, look)

    async def move(self, bench: Bench) -> None:
        """Move a VM, as scripts do."""
        self.needs("CLONE", "MV")
        vm_id = bench.new_id()
        disk = await self.cloned(vm_id)
        target = self.folder(vm_id).parents[1] / "100" / str(vm_id) / "disk.0"
        lines = [
            self.line("MV", self.at(disk), self.at(target), vm_id=vm_id),
            self.line("MV", self.at(disk.parent), self.at(target.parent), vm_id=vm_id),
        ]

        def look() -> None:
            self.must_hold(target, size=len(CONTENT))
            self.must_be_gone(disk)

        await self.run(vm_id, "\n".join(lines), look)

    async def write_back(self, bench: Bench) -> None:
        """Write a changed disk over its image."""
        self.needs("LN", "MVDS")
        vm_id = bench.new_id()
        image, disk = self.image(vm_id), self.folder(vm_id) / "disk.0"
        await self.run(vm_id, self.line("LN", image, self.at(disk), vm_id=vm_id), times=1)
        if not self.subject.pretends:
            disk.write_bytes(b"changed" + CONTENT)
        text = self.line("MVDS", self.at(disk), image, vm_id=vm_id, datastore_id=1)
        await self.run(vm_id, text, lambda: self.must_hold(image, b"changed" + CONTENT), times=1)

    async def delete(self, bench: Bench) -> None:
        """Delete a disk, then the folder."""
        self.needs("CLONE", "DELETE")
        vm_id = bench.new_id()
        disk = await self.cloned(vm_id)
        for path in (disk, disk.parent):
            text = self.line("DELETE", self.at(path), vm_id=vm_id)
            await self.run(vm_id, text, partial(self.must_be_gone, path))
