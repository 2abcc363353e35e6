"""The contract test of datastore drivers.

::

    class TestMine(DatastoreDriverContract):
        @pytest.fixture
        def driver(self, tmp_path: Path) -> MyDriver:
            return MyDriver(driver_context(tmp_path))

The datastore is a folder of the test's own. A driver that keeps its images elsewhere overrides the fixture
``datastore``; one that keeps no files, such as the dummy, sets ``keeps_files`` to False: then only that its
actions succeed is tested.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Final

import pytest

from opennebula_core.contracts.datastore import (
    Datastore,
    DatastoreAction,
    DatastoreDriver,
    ImageFile,
    ImageRequest,
)
from opennebula_core.errors import DriverError
from opennebula_core.model.template import Template
from opennebula_core.testing.drivers import checked_options, misdeclared, settle
from opennebula_core.xml import element

MIB: Final = 1 << 20
CONTENT: Final = b"image" * 1024
SIZE_MIB: Final = 3
"""Of the empty images that are made."""


METHODS: Final = (
    (DatastoreAction.SNAP_DELETE, "snap_delete"),
    (DatastoreAction.SNAP_REVERT, "snap_revert"),
    (DatastoreAction.SNAP_FLATTEN, "snap_flatten"),
)


def make_image(
    path: str | Path = "", *, image_id: int = 4, source: str = "", size_mib: int = 0, fs: str = ""
) -> ImageRequest:
    """Return what a request says about an image."""
    document = element(f"<IMAGE><ID>{image_id}</ID><REGTIME>1700000000</REGTIME></IMAGE>")
    name = f"image-{image_id}"
    return ImageRequest(image_id, name, str(path), source, size_mib, "raw", fs, Template(), document)


class DatastoreDriverContract:
    """What every datastore driver has to keep; override the fixture ``driver``."""

    keeps_files: ClassVar[bool] = True

    @pytest.fixture
    def datastore(self, tmp_path: Path) -> Datastore:
        """Return the datastore; its folder is not there yet."""
        return Datastore(1, "default", str(tmp_path / "datastores" / "1"), Template())

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        """Return the file that a user wants as an image."""
        path = tmp_path / "uploads" / "disk.img"
        path.parent.mkdir()
        path.write_bytes(CONTENT)
        return path

    def holds(self, image: ImageFile, content: bytes) -> bool:
        """Whether the image's file has the content."""
        return not self.keeps_files or Path(image.source).read_bytes() == content

    def files(self, datastore: Datastore) -> list[str]:
        """Return the names of what is in the datastore and not hidden."""
        folder = Path(datastore.base_path)
        found = folder.iterdir() if folder.is_dir() else iter(())
        return sorted(path.name for path in found if not path.name.startswith("."))

    async def test_sizes_are_rounded_up(
        self, driver: DatastoreDriver, datastore: Datastore, file: Path
    ) -> None:
        """In MiB: a byte over two makes three."""
        with file.open("wb") as opened:
            opened.truncate(2 * MIB + 1)
        size = await settle(driver.stat(make_image(file), datastore))
        assert size == 3 if self.keeps_files else size > 0

    async def test_an_image_is_copied_and_again(
        self, driver: DatastoreDriver, datastore: Datastore, file: Path
    ) -> None:
        """The request was sent again after a crash: there is one copy, under the same name."""
        made = [await settle(driver.copy(make_image(file), datastore)) for _ in range(2)]
        assert made[0] == made[1]
        assert self.holds(made[0], CONTENT)
        assert file.read_bytes() == CONTENT
        assert not self.keeps_files or len(self.files(datastore)) == 1

    async def test_a_source_is_one_word_and_a_format_is_known(
        self, driver: DatastoreDriver, datastore: Datastore, file: Path
    ) -> None:
        """They travel as words in the driver protocol."""
        made = await settle(driver.copy(make_image(file), datastore))
        assert len(made.source.split()) == 1
        assert made.format in ("raw", "qcow2")

    async def test_images_do_not_share_a_file(
        self, driver: DatastoreDriver, datastore: Datastore, file: Path
    ) -> None:
        """Copies that are made at the same time do not get into each other's way."""
        copies = (settle(driver.copy(make_image(file, image_id=number), datastore)) for number in (4, 5, 6))
        made = await asyncio.gather(*copies)
        assert len({image.source for image in made}) == 3
        assert all(self.holds(image, CONTENT) for image in made)

    async def test_what_fails_leaves_nothing_that_looks_whole(
        self, driver: DatastoreDriver, datastore: Datastore, tmp_path: Path
    ) -> None:
        """The file is not there."""
        if not self.keeps_files:
            return
        for action in (driver.stat, driver.copy, driver.clone):
            with pytest.raises(DriverError):
                await settle(action(make_image(tmp_path / "datastores/1/absent"), datastore))
        assert not self.files(datastore)

    async def test_an_empty_image_is_made_and_again(
        self, driver: DatastoreDriver, datastore: Datastore
    ) -> None:
        """Of the size that was asked for, and one."""
        request = make_image(size_mib=SIZE_MIB)
        made = [await settle(driver.make(request, datastore)) for _ in range(2)]
        assert made[0] == made[1]
        if self.keeps_files:
            assert Path(made[0].source).stat().st_size == SIZE_MIB * MIB
            assert len(self.files(datastore)) == 1

    async def test_an_image_is_cloned_and_again(
        self, driver: DatastoreDriver, datastore: Datastore, file: Path
    ) -> None:
        """The clone is a file of its own."""
        original = await settle(driver.copy(make_image(file), datastore))
        request = make_image(original.source, image_id=5)
        made = [await settle(driver.clone(request, datastore)) for _ in range(2)]
        assert made[0] == made[1]
        assert made[0].source != original.source
        assert self.holds(made[0], CONTENT)
        assert self.holds(original, CONTENT)

    def test_optional_actions_are_those_that_it_implements(self, driver: DatastoreDriver) -> None:
        """The core refuses what is not declared before it begins."""
        assert not misdeclared(type(driver), DatastoreDriver, METHODS)

    async def test_an_image_is_removed_and_again(
        self, driver: DatastoreDriver, datastore: Datastore, file: Path
    ) -> None:
        """What is gone counts as removed."""
        made = await settle(driver.copy(make_image(file), datastore))
        for _ in range(2):
            await settle(driver.remove(make_image(source=made.source), datastore))
        assert not self.keeps_files or not self.files(datastore)

    async def test_an_image_that_was_never_finished_is_removed(
        self, driver: DatastoreDriver, datastore: Datastore, file: Path
    ) -> None:
        """Nobody knows its source: what an attempt to make it has left goes all the same."""
        request = make_image(file)
        await settle(driver.copy(request, datastore))
        await settle(driver.remove(replace(request, path=""), datastore))
        assert not self.keeps_files or not self.files(datastore)

    async def test_what_lies_outside_of_the_datastore_stays(
        self, driver: DatastoreDriver, datastore: Datastore, file: Path
    ) -> None:
        """Whoever gives a SOURCE of his own must not have the files of others removed."""
        inside = f"{datastore.base_path}/../../uploads/{file.name}"
        for source in (str(file), inside):
            await settle(driver.remove(make_image(source=source), datastore))
        assert file.read_bytes() == CONTENT

    async def test_the_room_adds_up(self, driver: DatastoreDriver, datastore: Datastore) -> None:
        """In MiB; some of it may be kept for the administrator."""
        usage = await settle(driver.monitor(datastore))
        assert usage.total_mib > 0
        assert usage.used_mib >= 0
        assert 0 <= usage.free_mib <= usage.total_mib
        assert usage.used_mib + usage.free_mib <= usage.total_mib

    def test_options_have_defaults_of_their_types(self, driver: DatastoreDriver) -> None:
        """Every driver works without being configured."""
        checked_options(type(driver))
