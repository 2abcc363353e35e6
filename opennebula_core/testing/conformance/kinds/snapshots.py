"""Checks of what transfer drivers do to disks that no guest uses."""

from __future__ import annotations

from collections.abc import Sequence

from opennebula_core.testing.conformance.bench import Bench
from opennebula_core.testing.conformance.checks import Check
from opennebula_core.testing.conformance.kinds.tm_requests import MIB, TransferRequests
from opennebula_core.testing.conformance.outcome import CheckFailedError


class Snapshots:
    """The optional verbs."""

    def __init__(self, kind: TransferRequests) -> None:
        self._kind = kind

    def checks(self) -> Sequence[Check]:
        """Return the checks."""
        return [
            Check("action.RESIZE", "a disk grows, run once or again", self.resize),
            Check("action.CPDS", "a disk becomes an image, run once or again", self.save),
            Check(
                "action.SNAP", "a snapshot is made, reverted to and removed, run once or again", self.snapshot
            ),
        ]

    async def resize(self, bench: Bench) -> None:
        """Grow a disk."""
        kind = self._kind
        kind.needs("CLONE", "RESIZE")
        vm_id = bench.new_id()
        disk = await kind.cloned(vm_id)
        text = kind.line("RESIZE", kind.at(disk), 2, vm_id=vm_id)
        await kind.run(vm_id, text, lambda: kind.must_hold(disk, size=2 * MIB))

    async def save(self, bench: Bench) -> None:
        """Copy a disk to an image."""
        kind = self._kind
        kind.needs("CLONE", "CPDS")
        vm_id = bench.new_id()
        disk = await kind.cloned(vm_id)
        target = bench.folder / "datastores" / "1" / f"saved-{vm_id}" / "image"
        target.parent.mkdir(parents=True)
        text = kind.line("CPDS", kind.at(disk), target, -1, vm_id=vm_id, datastore_id=1)
        await kind.run(vm_id, text, lambda: kind.must_hold(target))

    async def snapshot(self, bench: Bench) -> None:
        """Keep a disk, change it, bring it back."""
        kind = self._kind
        kind.needs("CLONE", "SNAP_CREATE", "SNAP_REVERT", "SNAP_DELETE")
        vm_id = bench.new_id()
        disk = await kind.cloned(vm_id)
        before = b"" if kind.subject.pretends else disk.read_bytes()

        def look() -> None:
            if disk.read_bytes() != before:
                raise CheckFailedError("the disk as it was when the snapshot was made", "another content")

        words = (kind.at(disk), 0)
        await kind.run(vm_id, kind.line("SNAP_CREATE", *words, vm_id=vm_id), look, times=2)
        if not kind.subject.pretends:
            disk.write_bytes(b"changed" + before)
        await kind.run(vm_id, kind.line("SNAP_REVERT", *words, vm_id=vm_id), look, times=2)
        await kind.run(vm_id, kind.line("SNAP_DELETE", *words, vm_id=vm_id), look, times=2)
