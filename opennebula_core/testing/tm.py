"""The contract test of transfer drivers.

::

    class TestMine(TmDriverContract):
        @pytest.fixture
        def driver(self, tmp_path: Path) -> MyDriver:
            return MyDriver(driver_context(tmp_path))

Everything happens on this machine, in a temporary folder. A driver that moves nothing, such as the dummy,
sets ``moves_files`` to False: then only that its actions succeed is tested.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Final

import pytest

from opennebula_core.contracts.tm import Location, TmAction, TmDriver, Transfer
from opennebula_core.errors import DriverError
from opennebula_core.testing.drivers import checked_options, misdeclared, settle

METHODS: Final = (
    (TmAction.CPDS, "copy_back"),
    (TmAction.RESIZE, "resize"),
    (TmAction.SNAP_CREATE, "snap_create"),
    (TmAction.SNAP_REVERT, "snap_revert"),
    (TmAction.SNAP_DELETE, "snap_delete"),
)
MIB: Final = 1 << 20
CONTENT: Final = b"disk" * 1024
ISO_MAGIC_AT: Final = 16 * 2048 + 1
"""Source: ISO 9660: the sixteenth sector begins with a type and the letters CD001."""
FRONT_END: Final = "localhost"


def at(path: Path) -> Location:
    """Return a path on this machine as transfer scripts name it."""
    return Location(FRONT_END, str(path))


class TmDriverContract:
    """What every transfer driver has to keep; override the fixture ``driver``."""

    moves_files: ClassVar[bool] = True

    @pytest.fixture
    def image(self, tmp_path: Path) -> Path:
        """Return an image in a datastore."""
        path = tmp_path / "datastores/1/image"
        path.parent.mkdir(parents=True)
        path.write_bytes(CONTENT)
        return path

    @pytest.fixture
    def disk(self, tmp_path: Path) -> Path:
        """Return where the disk of VM 7 is to be; its folder is not there yet."""
        return tmp_path / "datastores/0/7/disk.0"

    @pytest.fixture
    def transfer(self) -> Transfer:
        """Return what the transfers are for."""
        return Transfer(vm_id=7, datastore_id=0, format="raw")

    def holds(self, path: Path, content: bytes) -> bool:
        """Whether a file begins with the content, and nothing that looks like a disk lies beside it."""
        if not self.moves_files:
            return True
        visible = [item.name for item in path.parent.iterdir() if not item.name.startswith(".")]
        return path.read_bytes().startswith(content) and visible == [path.name]

    def is_gone(self, path: Path) -> bool:
        """Whether there is no such file."""
        return not self.moves_files or not path.exists()

    @pytest.mark.parametrize("verb", ["clone", "link"])
    async def test_an_image_becomes_a_disk_and_again(
        self, driver: TmDriver, image: Path, disk: Path, transfer: Transfer, verb: str
    ) -> None:
        """The second time it is there already."""
        for attempt in (1, 2):
            await settle(getattr(driver, verb)(at(image), at(disk), replace(transfer, attempt=attempt)))
        assert self.holds(disk, CONTENT)
        assert image.read_bytes() == CONTENT

    async def test_a_disk_grows_to_the_size_that_was_asked_for(
        self, driver: TmDriver, image: Path, disk: Path, transfer: Transfer
    ) -> None:
        """The image stays as it is."""
        await settle(driver.clone(at(image), at(disk), replace(transfer, size_mib=2)))
        assert self.holds(disk, CONTENT)
        assert not self.moves_files or disk.stat().st_size == 2 * MIB

    async def test_a_transfer_that_fails_leaves_nothing_that_looks_whole(
        self, driver: TmDriver, disk: Path, transfer: Transfer
    ) -> None:
        """The image is not there."""
        if not self.moves_files:
            return
        with pytest.raises(DriverError):
            await settle(driver.clone(at(disk.parent.parent / "absent"), at(disk), transfer))
        assert self.is_gone(disk)

    async def test_an_empty_disk_is_made_and_again(
        self, driver: TmDriver, disk: Path, transfer: Transfer
    ) -> None:
        """Of the size that was asked for."""
        for attempt in (1, 2):
            await settle(driver.make_image(3, "raw", at(disk), replace(transfer, attempt=attempt)))
        assert not self.moves_files or disk.stat().st_size == 3 * MIB

    async def test_a_vm_is_moved_and_again(
        self, driver: TmDriver, image: Path, disk: Path, transfer: Transfer
    ) -> None:
        """Disk by disk, then its folder, as scripts have it; what has moved is not there the second time."""
        target = disk.parents[2] / "100/7/disk.0"
        await settle(driver.clone(at(image), at(disk), transfer))
        for attempt in (1, 2):
            for here, there in ((disk, target), (disk.parent, target.parent)):
                await settle(driver.move(at(here), at(there), replace(transfer, attempt=attempt)))
        assert self.holds(target, CONTENT)
        assert self.is_gone(disk)

    async def test_a_persistent_disk_is_written_back(
        self, driver: TmDriver, image: Path, disk: Path, transfer: Transfer
    ) -> None:
        """Over its image."""
        await settle(driver.link(at(image), at(disk), transfer))
        if self.moves_files:
            disk.write_bytes(b"changed" + CONTENT)
        await settle(driver.move_back(at(disk), at(image), transfer))
        assert self.holds(image, b"changed" + CONTENT)

    async def test_a_disk_is_deleted_and_again(
        self, driver: TmDriver, image: Path, disk: Path, transfer: Transfer
    ) -> None:
        """What is gone counts as deleted."""
        await settle(driver.clone(at(image), at(disk), transfer))
        for attempt in (1, 2):
            await settle(driver.delete(at(disk), replace(transfer, attempt=attempt)))
        assert self.is_gone(disk)

    async def test_the_context_cd_is_made_and_again(
        self, driver: TmDriver, disk: Path, tmp_path: Path, transfer: Transfer
    ) -> None:
        """An ISO 9660 file system that guests find by its label."""
        variables = tmp_path / "context.sh"
        variables.write_text("ETH0_IP='10.0.0.7'\n")
        for attempt in (1, 2):
            files = [(str(variables), "context.sh")]
            await settle(driver.context(files, at(disk), replace(transfer, attempt=attempt)))
        if self.moves_files:
            content = disk.read_bytes()
            assert content[ISO_MAGIC_AT : ISO_MAGIC_AT + 5] == b"CD001"
            assert b"CONTEXT" in content
            assert b"10.0.0.7" in content

    async def test_a_disk_that_no_guest_uses_grows(
        self, driver: TmDriver, image: Path, disk: Path, transfer: Transfer
    ) -> None:
        """Again, it is as large already."""
        self._needs(driver, TmAction.RESIZE)
        await settle(driver.clone(at(image), at(disk), transfer))
        for attempt in (1, 2):
            await settle(driver.resize(at(disk), 2, replace(transfer, attempt=attempt)))
        assert self.holds(disk, CONTENT)
        assert not self.moves_files or disk.stat().st_size == 2 * MIB

    async def test_a_disk_becomes_an_image_and_again(
        self, driver: TmDriver, image: Path, disk: Path, transfer: Transfer
    ) -> None:
        """The disk stays."""
        self._needs(driver, TmAction.CPDS)
        target = image.parents[1] / "2/saved"
        await settle(driver.clone(at(image), at(disk), transfer))
        for attempt in (1, 2):
            await settle(driver.copy_back(at(disk), at(target), -1, replace(transfer, attempt=attempt)))
        assert self.holds(target, CONTENT)
        assert self.holds(disk, CONTENT)

    async def test_a_snapshot_of_a_disk_is_made_reverted_to_and_removed(
        self, driver: TmDriver, image: Path, disk: Path, transfer: Transfer
    ) -> None:
        """Each may be repeated; the disk is then what it was."""
        self._needs(driver, TmAction.SNAP_CREATE, TmAction.SNAP_REVERT, TmAction.SNAP_DELETE)
        await settle(driver.clone(at(image), at(disk), transfer))
        again = replace(transfer, attempt=2)
        for each in (transfer, again):
            await settle(driver.snap_create(at(disk), 0, each))
        if self.moves_files:
            disk.write_bytes(b"changed" + CONTENT)
        for each in (transfer, again):
            await settle(driver.snap_revert(at(disk), 0, each))
        assert not self.moves_files or disk.read_bytes().startswith(CONTENT)
        for each in (transfer, again):
            await settle(driver.snap_delete(at(disk), 0, each))
        assert not self.moves_files or disk.read_bytes().startswith(CONTENT)

    @staticmethod
    def _needs(driver: TmDriver, *actions: TmAction) -> None:
        missing = sorted(set(actions) - type(driver).optional_actions)
        if missing:
            pytest.skip(f"the driver does not declare {', '.join(missing)}")

    def test_optional_actions_are_those_that_it_implements(self, driver: TmDriver) -> None:
        """The core refuses what is not declared before it begins."""
        assert not misdeclared(type(driver), TmDriver, METHODS)

    def test_options_have_defaults_of_their_types(self, driver: TmDriver) -> None:
        """Every driver works without being configured."""
        checked_options(type(driver))
