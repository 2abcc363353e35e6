from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from opennebula_core.contracts.datastore import Datastore, ImageRequest
from opennebula_core.errors import DriverError
from opennebula_core.model.template import Template
from opennebula_core.testing.drivers import driver_context
from opennebula_core.testing.pretend_hosts import NotedReport
from opennebula_core.testing.sshd import wait_until
from opennebula_datastore_fs import FsDatastoreDriver

MIB = 1024 * 1024
PACKERS: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}

MakeImage = Callable[..., ImageRequest]


def make_sparse(path: Path, size_mib: int = 64) -> None:
    with path.open("wb") as file:
        file.truncate(size_mib * MIB)
        for offset in (0, (size_mib - 1) * MIB):
            file.seek(offset)
            file.write(os.urandom(MIB))


def qcow2(path: Path, *more: str) -> Path:
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *more, str(path), "20M"], check=True)
    return path


def files(datastore: Datastore) -> list[str]:
    """The images in a datastore, and all that should not be there."""
    folder = Path(datastore.base_path)
    return [name for name in os.listdir(folder) if name != ".key"] if folder.exists() else []


# -- copies ------------------------------------------------------------------------------------------


def test_a_file_is_copied_with_its_holes_under_a_name_that_nobody_guesses(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, tmp_path: Path
) -> None:
    make_sparse(tmp_path / "image")
    made = driver.copy(make_image(tmp_path / "image"), datastore)
    source = Path(made.source)
    assert made.format == "raw"
    assert source.parent == Path(datastore.base_path)
    assert len(source.name) == 32
    assert source.read_bytes() == (tmp_path / "image").read_bytes()
    assert source.stat().st_blocks * 512 < 4 * MIB
    assert source.stat().st_mode & 0o777 == 0o660
    assert files(datastore) == [source.name]


def test_the_same_image_copied_again_leaves_one_copy(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, tmp_path: Path
) -> None:
    (tmp_path / "image").write_bytes(b"x" * 100)
    sources = {driver.copy(make_image(tmp_path / "image"), datastore).source for _ in range(2)}
    assert len(sources) == len(files(datastore)) == 1
    driver.copy(make_image(tmp_path / "image", image_id=5), datastore)
    assert len(files(datastore)) == 2


@pytest.mark.parametrize("packer", ["gz", "bz2", "xz"])
def test_a_compressed_file_is_unpacked_and_its_zeros_become_holes(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, tmp_path: Path, packer: str
) -> None:
    content = os.urandom(MIB) + bytes(16 * MIB) + b"end"
    (tmp_path / "image").write_bytes(PACKERS[packer](content))
    image = make_image(tmp_path / "image")
    assert driver.stat(image, datastore) == 18
    source = Path(driver.copy(image, datastore).source)
    assert source.read_bytes() == content
    assert source.stat().st_blocks * 512 < 3 * MIB


def test_a_compressed_file_may_be_kept_as_it_is(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, tmp_path: Path
) -> None:
    packed = gzip.compress(b"x" * MIB)
    (tmp_path / "image").write_bytes(packed)
    image = make_image(tmp_path / "image", template='NO_DECOMPRESS="yes"')
    assert driver.stat(image, datastore) == 1
    assert Path(driver.copy(image, datastore).source).read_bytes() == packed


@pytest.mark.parametrize("packer", ["gz", "bz2", "xz"])
def test_a_damaged_compressed_file_is_refused(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, tmp_path: Path, packer: str
) -> None:
    (tmp_path / "image").write_bytes(PACKERS[packer](os.urandom(MIB))[: MIB // 2])
    with pytest.raises(DriverError, match=r"unpack .*image"):
        driver.copy(make_image(tmp_path / "image"), datastore)
    assert files(datastore) == []


@pytest.mark.parametrize("name", ["MD5", "SHA1"])
def test_a_sum_that_an_image_shall_have_is_checked(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, tmp_path: Path, name: str
) -> None:
    content = gzip.compress(b"x" * MIB)
    (tmp_path / "image").write_bytes(content)
    right = hashlib.new(name.lower(), content).hexdigest()
    driver.copy(make_image(tmp_path / "image", template=f'{name}="{right.upper()}"'), datastore)
    with pytest.raises(DriverError, match=f"its {name} is {right} and not {'0' * len(right)}"):
        driver.copy(
            make_image(tmp_path / "image", image_id=5, template=f'{name}="{"0" * len(right)}"'), datastore
        )
    assert len(files(datastore)) == 1


def test_an_image_over_the_limit_is_refused(
    datastore: Datastore, make_image: MakeImage, tmp_path: Path
) -> None:
    driver = FsDatastoreDriver(driver_context(tmp_path / "one", "fs", max_image_gib=0))
    for name, content in (("plain", b"x"), ("bomb.gz", gzip.compress(bytes(10 * MIB)))):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DriverError, match="max_image_gib"):
            driver.copy(make_image(tmp_path / name), datastore)
    assert files(datastore) == []


def test_a_copy_reports_its_progress(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, tmp_path: Path
) -> None:
    report = NotedReport()
    make_sparse(tmp_path / "image", 8)
    driver.copy(make_image(tmp_path / "image", report=report), datastore)
    assert report.figures[-1] == (8 * MIB, 8 * MIB)


COPY = """
import sys
from pathlib import Path
from xml.etree.ElementTree import fromstring
from opennebula_core.contracts.datastore import Datastore, ImageRequest
from opennebula_core.contracts.driver import DriverContext
from opennebula_core.model.template import Template
from opennebula_datastore_fs import FsDatastoreDriver

image, folder = sys.argv[1:]
driver = FsDatastoreDriver(DriverContext("fs", Path("/nowhere")))
document = fromstring("<IMAGE><ID>4</ID><REGTIME>1700000000</REGTIME></IMAGE>")
request = ImageRequest(4, "image-4", image, "", 0, "", "", Template(), document)
driver.copy(request, Datastore(1, "default", folder, Template()))
"""


def test_a_driver_killed_in_a_copy_leaves_nothing_that_looks_whole(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, tmp_path: Path
) -> None:
    content = os.urandom(32 * MIB)
    (tmp_path / "image.bz2").write_bytes(bz2.compress(content, 1))
    argv = [sys.executable, "-c", COPY, str(tmp_path / "image.bz2"), datastore.base_path]
    with subprocess.Popen(argv) as process:
        folder = Path(datastore.base_path)
        wait_until(lambda: any(path.stat().st_blocks for path in folder.glob(".*.part-*")), "it is under way")
        process.send_signal(signal.SIGKILL)
    assert [name for name in files(datastore) if not name.startswith(".")] == []
    source = Path(driver.copy(make_image(tmp_path / "image.bz2"), datastore).source)
    assert source.read_bytes() == content
    assert files(datastore) == [source.name]


# -- formats -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["0.10", "1.1"])
def test_a_qcow2_image_is_known_by_its_header(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, tmp_path: Path, version: str
) -> None:
    image = make_image(qcow2(tmp_path / "image", "-o", f"compat={version}"))
    assert driver.stat(image, datastore) == 20
    assert driver.copy(image, datastore).format == "qcow2"


def test_a_compressed_qcow2_image_is_known_too(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, tmp_path: Path
) -> None:
    (tmp_path / "image.gz").write_bytes(gzip.compress(qcow2(tmp_path / "image").read_bytes()))
    image = make_image(tmp_path / "image.gz")
    assert driver.stat(image, datastore) == 20
    assert driver.copy(image, datastore).format == "qcow2"


def refused(tmp_path: Path, case: str) -> Path:
    if case == "backing file":
        qcow2(tmp_path / "below")
        return qcow2(tmp_path / "image", "-b", str(tmp_path / "below"), "-F", "qcow2")
    if case == "data file":
        return qcow2(tmp_path / "image", "-o", f"data_file={tmp_path}/data,data_file_raw=on")
    (tmp_path / "image").write_bytes(qcow2(tmp_path / "whole").read_bytes()[:20])
    return tmp_path / "image"


@pytest.mark.parametrize("case", ["backing file", "data file", "cut off"])
@pytest.mark.parametrize("is_packed", [False, True])
def test_an_image_that_refers_to_other_files_is_refused(
    driver: FsDatastoreDriver,
    datastore: Datastore,
    make_image: MakeImage,
    tmp_path: Path,
    case: str,
    is_packed: bool,
) -> None:
    path = refused(tmp_path, case)
    if is_packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    image = make_image(path)
    for action in (driver.stat, driver.copy):
        with pytest.raises(DriverError, match=r"backing file|in another file|cut off"):
            action(image, datastore)
    assert files(datastore) == []


def test_what_is_said_to_be_raw_stays_raw_and_what_is_said_to_be_qcow2_must_be(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, tmp_path: Path
) -> None:
    path = qcow2(tmp_path / "image")
    assert driver.copy(make_image(path, format="raw"), datastore).format == "raw"
    assert driver.stat(make_image(path, format="raw"), datastore) == 1
    (tmp_path / "raw").write_bytes(b"x")
    with pytest.raises(DriverError, match="no qcow2 image"):
        driver.copy(make_image(tmp_path / "raw", template='DRIVER="qcow2"'), datastore)


# -- restrictions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["stat", "copy"])
@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/proc/self/environ", "/dev/zero", "/tmp/../etc/passwd", "/root/no"]
)
def test_restricted_files_are_refused(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, path: str, action: str
) -> None:
    with pytest.raises(DriverError, match="restricted folder"):
        getattr(driver, action)(make_image(path), datastore)
    assert files(datastore) == []


def test_links_to_restricted_files_are_refused(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, tmp_path: Path
) -> None:
    (tmp_path / "image").symlink_to("/etc/passwd")
    (tmp_path / "folder").symlink_to("/etc")
    for path in (tmp_path / "image", tmp_path / "folder" / "passwd"):
        with pytest.raises(DriverError, match="restricted folder"):
            driver.copy(make_image(path), datastore)


def test_the_clouds_own_files_are_restricted(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, location: Path
) -> None:
    (location / "etc").mkdir(parents=True)
    (location / "etc" / "oned.toml").touch()
    with pytest.raises(DriverError, match="restricted folder"):
        driver.copy(make_image(location / "etc" / "oned.toml"), datastore)


def with_dirs(datastore: Datastore, text: str) -> Datastore:
    return Datastore(1, "default", datastore.base_path, Template.parse(text))


def test_a_safe_folder_in_a_restricted_one_is_open(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, tmp_path: Path
) -> None:
    (tmp_path / "safe" / "secret").mkdir(parents=True)
    (tmp_path / "safe" / "image").touch()
    (tmp_path / "safe" / "secret" / "image").touch()
    text = f'RESTRICTED_DIRS="/ {tmp_path}/safe/secret"\nSAFE_DIRS="{tmp_path}/safe"'
    limited = with_dirs(datastore, text)
    driver.copy(make_image(tmp_path / "safe" / "image"), limited)
    for path in (tmp_path / "safe" / "secret" / "image", tmp_path / "elsewhere"):
        path.touch()
        with pytest.raises(DriverError, match="restricted folder"):
            driver.copy(make_image(path), limited)


def test_a_folder_whose_name_only_begins_like_a_restricted_one_is_open(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, tmp_path: Path
) -> None:
    (tmp_path / "imagesX").mkdir()
    (tmp_path / "imagesX" / "a").touch()
    limited = with_dirs(datastore, f'RESTRICTED_DIRS="{tmp_path}/images"')
    driver.copy(make_image(tmp_path / "imagesX" / "a"), limited)


def test_what_is_no_plain_file_is_refused(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path):
        with pytest.raises(DriverError, match="no plain file"):
            driver.copy(make_image(path), datastore)
    for text in (str(tmp_path / "nosuch"), "relative/path", "ftp://host/image", "file:///tmp/x"):
        with pytest.raises(DriverError, match="correct PATH"):
            driver.copy(make_image(text), datastore)


# -- downloads ---------------------------------------------------------------------------------------


def test_an_image_is_downloaded(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, web: tuple[str, Path]
) -> None:
    address, folder = web
    make_sparse(folder / "image", 8)
    for path in ("/image", "/to-image"):
        image = make_image(address + path)
        assert driver.stat(image, datastore) == 8
        source = Path(driver.copy(image, datastore).source)
        assert source.read_bytes() == (folder / "image").read_bytes()
        assert source.stat().st_blocks * 512 < 4 * MIB


def test_a_compressed_qcow2_image_is_downloaded(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, web: tuple[str, Path]
) -> None:
    address, folder = web
    (folder / "image.xz").write_bytes(lzma.compress(qcow2(folder / "image").read_bytes()))
    image = make_image(f"{address}/image.xz")
    assert driver.stat(image, datastore) == 20
    assert driver.copy(image, datastore).format == "qcow2"


def test_a_size_that_the_server_does_not_tell_is_counted(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, web: tuple[str, Path]
) -> None:
    image = make_image(f"{web[0]}/unsized")
    assert driver.stat(image, datastore) == 3
    assert Path(driver.copy(image, datastore).source).stat().st_size == 3_000_000


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/nosuch", "404"),
        ("/to-file", "302|not allowed"),
        ("/to-ftp", "unknown url type|no host given"),
        ("/cut-off", "ended after 1000 bytes|IncompleteRead"),
    ],
)
def test_an_address_that_gives_no_image_is_refused(
    driver: FsDatastoreDriver,
    datastore: Datastore,
    make_image: MakeImage,
    web: tuple[str, Path],
    path: str,
    reason: str,
) -> None:
    with pytest.raises(DriverError, match=reason):
        driver.copy(make_image(web[0] + path), datastore)
    assert files(datastore) == []


def test_this_machines_own_services_are_refused_unless_allowed(
    datastore: Datastore, make_image: MakeImage, web: tuple[str, Path], tmp_path: Path
) -> None:
    address, folder = web
    (folder / "image").touch()
    driver = FsDatastoreDriver(driver_context(tmp_path / "one", "fs"))
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
        with pytest.raises(DriverError, match=r"this machine's own|refused|unreachable"):
            driver.copy(make_image(f"http://{host}:{address.rpartition(':')[2]}/image"), datastore)


def test_secrets_in_an_address_are_not_shown(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, web: tuple[str, Path]
) -> None:
    address = web[0].replace("http://", "http://user:password@")
    with pytest.raises(DriverError) as raised:
        driver.copy(make_image(f"{address}/nosuch?signature=s3cret"), datastore)
    assert "password" not in str(raised.value)
    assert "s3cret" not in str(raised.value)


def test_a_server_that_hangs_is_given_up(datastore: Datastore, make_image: MakeImage, tmp_path: Path) -> None:
    context = driver_context(tmp_path / "one", "fs", download_timeout_s=1, allow_local_downloads=True)
    mute = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import socket,time; s=socket.create_server(('127.0.0.1',0));"
            "print(s.getsockname()[1], flush=True); time.sleep(60)",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert mute.stdout is not None
        port = mute.stdout.readline().strip()
        begun_at = time.monotonic()
        with pytest.raises(DriverError, match=r"download .*timed out"):
            FsDatastoreDriver(context).copy(make_image(f"http://127.0.0.1:{port}/image"), datastore)
        assert time.monotonic() - begun_at < 20
    finally:
        mute.kill()
        mute.communicate()


# -- empty images, clones, removal -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fs", "offset", "magic"),
    [("", 0, b"\0"), ("ext4", 1080, b"\x53\xef"), ("swap", 4086, b"SWAPSPACE2")],
)
@pytest.mark.parametrize("format", ["", "raw", "qcow2"])
def test_an_empty_image_is_made(
    driver: FsDatastoreDriver,
    datastore: Datastore,
    make_image: MakeImage,
    tmp_path: Path,
    format: str,
    fs: str,
    offset: int,
    magic: bytes,
) -> None:
    image = make_image(size_mib=32, format=format, fs=fs)
    made = [driver.make(image, datastore) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].format == (format or "raw")
    assert len(files(datastore)) == 1
    source = Path(made[0].source)
    assert source.stat().st_blocks * 512 < 8 * MIB
    if format == "qcow2":
        subprocess.run(
            ["qemu-img", "convert", "-f", "qcow2", "-O", "raw", source, tmp_path / "raw"], check=True
        )
        source = tmp_path / "raw"
    assert source.stat().st_size == 32 * MIB
    assert source.read_bytes()[offset:].startswith(magic)


@pytest.mark.parametrize("fs", ["nosuchfs", "ext4; id", "-F", "../x"])
def test_a_file_system_that_is_none_is_refused(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, fs: str
) -> None:
    with pytest.raises(DriverError, match="make an image"):
        driver.make(make_image(size_mib=1, fs=fs), datastore)
    assert files(datastore) == []


def test_an_empty_image_needs_a_size(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage
) -> None:
    with pytest.raises(DriverError, match="give it a SIZE"):
        driver.make(make_image(), datastore)


def test_an_image_is_cloned_also_into_another_datastore(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, tmp_path: Path
) -> None:
    original = driver.copy(make_image(qcow2(tmp_path / "image")), datastore)
    other = Datastore(100, "other", str(Path(datastore.base_path).with_name("100")), Template())
    for target in (datastore, other):
        image = make_image(original.source, image_id=5, format="qcow2")
        clone = driver.clone(image, target)
        assert clone.format == "qcow2"
        assert Path(clone.source).read_bytes() == Path(original.source).read_bytes()
    assert len(files(datastore)) == 2


@pytest.mark.parametrize("path", ["/etc/passwd", "relative", "/"])
def test_only_images_of_datastores_are_cloned(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, path: str
) -> None:
    with pytest.raises(DriverError, match="no image of a datastore"):
        driver.clone(make_image(path, image_id=5), datastore)


def test_an_image_is_removed_and_again(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, tmp_path: Path
) -> None:
    (tmp_path / "image").touch()
    source = driver.copy(make_image(tmp_path / "image"), datastore).source
    (Path(datastore.base_path) / f".{Path(source).name}.part-0123").touch()
    (Path(datastore.base_path) / f".{Path(source).name}.written-back").touch()
    for _ in range(2):
        driver.remove(make_image(source=source), datastore)
    assert files(datastore) == []
    assert (tmp_path / "image").exists()


@pytest.mark.parametrize(
    "source", ["/", "{outside}", "{base}", "{base}/../1/x", "{base}/a/b", "{base}/.key", "relative"]
)
def test_nothing_but_an_image_of_the_datastore_is_removed_and_what_is_not_ours_is_no_failure(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, tmp_path: Path, source: str
) -> None:
    base, outside = Path(datastore.base_path), tmp_path / "outside"
    (base / "a").mkdir(parents=True)
    for file in (outside, base / "x", base / "a" / "b", base / ".key"):
        file.touch()
    driver.remove(make_image(source=source.format(base=base, outside=outside)), datastore)
    assert all(file.exists() for file in (outside, base / "x", base / "a" / "b", base / ".key"))


def test_what_an_image_that_was_never_finished_has_left_is_removed(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, tmp_path: Path
) -> None:
    (tmp_path / "image").touch()
    made = Path(driver.copy(make_image(tmp_path / "image"), datastore).source)
    other = driver.copy(make_image(tmp_path / "image", image_id=5), datastore).source
    made.with_name(f".{made.name}.part-0123").touch()
    driver.remove(make_image(), datastore)
    assert files(datastore) == [Path(other).name]


def test_the_room_is_that_of_the_file_system(
    driver: FsDatastoreDriver, datastore: Datastore, make_image: MakeImage, tmp_path: Path
) -> None:
    assert driver.monitor(datastore).used_mib == 0
    (tmp_path / "image").write_bytes(os.urandom(3 * MIB))
    driver.copy(make_image(tmp_path / "image"), datastore)
    usage = driver.monitor(datastore)
    assert usage.used_mib == 3
    assert usage.total_mib > usage.free_mib > 0


@pytest.mark.parametrize("base_path", ["", "/", "relative/path", "/srv"])
def test_a_datastore_without_a_folder_of_its_own_is_refused(
    driver: FsDatastoreDriver, base_path: str
) -> None:
    with pytest.raises(DriverError, match="correct its BASE_PATH"):
        driver.monitor(Datastore(1, "default", base_path, Template()))
