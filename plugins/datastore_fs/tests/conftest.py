from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from opennebula_core.contracts.datastore import Datastore, ImageRequest
from opennebula_core.contracts.driver import Report, SilentReport
from opennebula_core.model.template import Template
from opennebula_core.testing.drivers import driver_context
from opennebula_datastore_fs import FsDatastoreDriver

MakeImage = Callable[..., ImageRequest]


@pytest.fixture
def location(tmp_path: Path) -> Path:
    return tmp_path / "one"


@pytest.fixture
def driver(location: Path) -> FsDatastoreDriver:
    return FsDatastoreDriver(driver_context(location, "fs", allow_local_downloads=True))


@pytest.fixture
def datastore(location: Path) -> Iterator[Datastore]:
    folder = location / "var" / "datastores" / "1"
    yield Datastore(1, "default", str(folder), Template())
    shutil.rmtree(location, ignore_errors=True)


@pytest.fixture
def make_image() -> MakeImage:
    """Make what a request says about an image."""

    def make(
        path: str | Path = "",
        *,
        source: str = "",
        image_id: int = 4,
        size_mib: int = 0,
        format: str = "",
        fs: str = "",
        template: str = "",
        report: Report | None = None,
    ) -> ImageRequest:
        document = fromstring(f"<IMAGE><ID>{image_id}</ID><REGTIME>1700000000</REGTIME></IMAGE>")
        return ImageRequest(
            image_id,
            f"image-{image_id}",
            str(path),
            source,
            size_mib,
            format,
            fs,
            Template.parse(template),
            document,
            report or SilentReport(),
        )

    return make


class _Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, and a few addresses that are not as they should be."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/cut-off":
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            self.wfile.write(b"x" * 1000)
        elif path.startswith("/to-"):
            self.send_response(302)
            target = {"/to-image": "/image", "/to-file": "file:///etc/passwd", "/to-ftp": "ftp://127.0.0.1/x"}
            self.send_header("Location", target[path])
            self.end_headers()
        elif path == "/unsized":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"y" * 3_000_000)
        else:
            super().do_GET()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """An address on loopback, and the folder whose files are there."""
    folder = tmp_path / "web"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", folder
    server.shutdown()
    thread.join()
    server.server_close()
