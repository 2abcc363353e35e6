"""Snapshots beside an image, as a transfer driver brings them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from opennebula_core.contracts.datastore import Datastore, ImageRequest
from opennebula_core.errors import DriverError
from opennebula_datastore_fs import FsDatastoreDriver

MakeImage = Callable[..., ImageRequest]


@pytest.fixture
def image(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, tmp_path: Path
) -> ImageRequest:
    """An image with the snapshots 0 and 1."""
    (tmp_path / "image").write_bytes(b"now")
    source = driver.copy(make_image(tmp_path / "image"), datastore).source
    folder = Path(f"{source}.snap")
    folder.mkdir()
    for number in ("0", "1"):
        (folder / number).write_text(number)
    return make_image(source=source, format="raw")


def snapshots(image: ImageRequest) -> list[str]:
    folder = Path(f"{image.source}.snap")
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_one_is_removed_and_again(
    driver: FsDatastoreDriver, datastore: Datastore, image: ImageRequest
) -> None:
    for _ in range(2):
        driver.snap_delete(image, 0, datastore)
    assert snapshots(image) == ["1"]


def test_an_image_goes_back_to_one_that_stays(
    driver: FsDatastoreDriver, datastore: Datastore, image: ImageRequest
) -> None:
    for _ in range(2):
        driver.snap_revert(image, 0, datastore)
    assert Path(image.source).read_text() == "0"
    assert snapshots(image) == ["0", "1"]


def test_an_image_is_flattened_once_however_often_it_is_asked_for(
    driver: FsDatastoreDriver, datastore: Datastore, image: ImageRequest
) -> None:
    for _ in range(2):
        driver.snap_flatten(image, 1, datastore)
        assert (Path(image.source).read_text(), snapshots(image)) == ("1", [])
    with pytest.raises(DriverError, match="No such file"):
        driver.snap_flatten(image, 0, datastore)
    assert Path(image.source).read_text() == "1"


def test_they_are_counted_and_go_with_the_image(
    driver: FsDatastoreDriver, datastore: Datastore, image: ImageRequest
) -> None:
    Path(f"{image.source}.snap", "1").write_bytes(bytes(3) + b"x" * (2 << 20))
    assert driver.monitor(datastore).used_mib == 2
    driver.snap_flatten(image, 0, datastore)
    Path(f"{image.source}.snap").mkdir()
    driver.remove(image, datastore)
    assert [path.name for path in Path(datastore.base_path).iterdir()] == [".key"]


@pytest.mark.parametrize("what", ["link", "linked folder", "elsewhere", "backing file"])
def test_nothing_but_a_snapshot_of_an_image_becomes_one(
    driver: FsDatastoreDriver,
    datastore: Datastore,
    image: ImageRequest,
    make_image: MakeImage,
    tmp_path: Path,
    what: str,
) -> None:
    folder = Path(f"{image.source}.snap")
    (tmp_path / "7").write_text("secret")
    asked = image
    if what == "link":
        (folder / "7").symlink_to(tmp_path / "7")
    elif what == "linked folder":
        folder.rename(tmp_path / "moved")
        folder.symlink_to(tmp_path)
    elif what == "elsewhere":
        asked = make_image(source=str(tmp_path / "7"))
    else:
        argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw"]
        subprocess.run([*argv, str(folder / "7"), "1M"], check=True)
        asked = make_image(source=image.source, format="qcow2")
    with pytest.raises(DriverError):
        driver.snap_revert(asked, 7, datastore)
    assert Path(image.source).read_text() == "now"
