from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Callable
from typing import Any

import pytest

from opennebula_core.contracts.datastore import (
    Datastore,
    DatastoreAction,
    DatastoreDriver,
    DatastoreUsage,
    ImageFile,
    ImageRequest,
)
from opennebula_core.wire.dialects.datastore import datastore_dialect
from opennebula_core.wire.requests import DatastoreRequest
from opennebula_core.wire.services.datastore import DatastoreService

Serve = Callable[..., Any]

IMAGE = (
    "<IMAGE><ID>4</ID><NAME>ttylinux</NAME><PATH>/srv/ttylinux.img</PATH><SOURCE>/ds/1/abc</SOURCE>"
    "<SIZE>40</SIZE><FORMAT>raw</FORMAT><FS>ext4</FS><TEMPLATE><MD5>x</MD5></TEMPLATE></IMAGE>"
)
STORE = "<DATASTORE><ID>1</ID><NAME>default</NAME><DS_MAD>{}</DS_MAD><BASE_PATH>/ds/1</BASE_PATH></DATASTORE>"


class Store(DatastoreDriver):
    seen: tuple[ImageRequest, Datastore]

    def stat(self, image: ImageRequest, datastore: Datastore) -> int:
        return 41

    async def copy(self, image: ImageRequest, datastore: Datastore) -> ImageFile:
        Store.seen = image, datastore
        image.report.info("copying")
        return ImageFile("/ds/1/new", "qcow2")

    async def make(self, image: ImageRequest, datastore: Datastore) -> ImageFile:
        return ImageFile("", "raw")

    async def clone(self, image: ImageRequest, datastore: Datastore) -> ImageFile:
        return ImageFile("/ds/1/a blank", "raw")

    async def remove(self, image: ImageRequest, datastore: Datastore) -> None:
        return None

    async def monitor(self, datastore: Datastore) -> DatastoreUsage:
        return DatastoreUsage(100, 30, 70)


class SlowStore(Store):
    """Copies on a thread; what it makes and removes is in ``files``."""

    files: set[str]
    began: threading.Event
    go_on: threading.Event
    reports: bool

    def copy(  # type: ignore[override] # a plain method is as good
        self, image: ImageRequest, datastore: Datastore
    ) -> ImageFile:
        self.began.set()
        self.go_on.wait()
        if self.reports:
            image.report.progress(1, 2)
        self.files.add("/ds/1/late")
        return ImageFile("/ds/1/late", "raw")

    async def remove(self, image: ImageRequest, datastore: Datastore) -> None:
        self.files.discard(image.source)


@pytest.fixture
def driven(serve: Serve, classes: dict[tuple[str, str], type]) -> Any:
    classes["datastore", "fs"] = Store
    return serve(DatastoreService, "fs")


def line(action: str, image: str = IMAGE, store: str = STORE.format("fs")) -> str:
    return datastore_dialect((6, 10)).encode(DatastoreRequest(action, 4, image, store))


async def test_copy_answers_source_and_format(driven: Any) -> None:
    assert await driven.ask(line("CP")) == "CP SUCCESS 4 /ds/1/new qcow2"
    assert driven.lines[0] == "LOG I 4 copying"
    image, datastore = Store.seen
    assert (image.image_id, image.name, image.path, image.source) == (
        4,
        "ttylinux",
        "/srv/ttylinux.img",
        "/ds/1/abc",
    )
    assert (image.size_mib, image.format, image.fs, image.template.get("MD5")) == (40, "raw", "ext4", "x")
    assert (datastore.datastore_id, datastore.name, datastore.base_path) == (1, "default", "/ds/1")


async def test_stat_answers_the_size(driven: Any) -> None:
    assert await driven.ask(line("STAT", "<IMAGE><PATH>/x</PATH></IMAGE>")) == "STAT SUCCESS 4 41"


async def test_remove_answers_nothing(driven: Any) -> None:
    assert await driven.ask(line("RM")) == "RM SUCCESS 4 -"


async def test_monitor_answers_the_room_in_base64(driven: Any) -> None:
    answer = await driven.ask(line("MONITOR", ""))

    assert base64.b64decode(answer.split()[3]) == b"USED_MB=30\nTOTAL_MB=100\nFREE_MB=70\n"


@pytest.mark.parametrize("action", ["MKFS", "CLONE"])
async def test_a_source_that_is_no_word_is_a_failure(action: str, driven: Any) -> None:
    answer = await driven.ask(line(action))

    assert answer.startswith(f"{action} FAILURE 4")
    assert "is empty or holds a blank" in answer


@pytest.mark.parametrize("reports", [True, False], ids=["told while it copies", "told too late"])
async def test_a_copy_that_was_dropped_leaves_no_file(
    serve: Serve, classes: dict[tuple[str, str], type], reports: bool
) -> None:
    classes["datastore", "fs"] = SlowStore
    SlowStore.files, SlowStore.reports = set(), reports
    SlowStore.began, SlowStore.go_on = threading.Event(), threading.Event()
    driven = serve(DatastoreService, "fs")
    driven.dispatcher.feed([line("CP")])
    await asyncio.to_thread(SlowStore.began.wait, 10)
    driven.dispatcher.feed(["DRIVER_CANCEL 4"])
    SlowStore.go_on.set()
    await driven.ask(line("RM"))
    assert SlowStore.files == set()
    assert not [answer for answer in driven.lines if answer.startswith("CP ")]


async def test_a_datastore_s_driver_that_is_missing_is_named(driven: Any) -> None:
    answer = await driven.ask(line("CP", store=STORE.format("nosuch")))

    assert answer.startswith("CP FAILURE 4 Datastore driver 'nosuch' not available")


@pytest.mark.parametrize("request_line", ["CP 4", "CP 4 !!", f"CP 4 {base64.b64encode(b'<A>').decode()}"])
async def test_a_damaged_request_is_answered(request_line: str, driven: Any) -> None:
    assert (await driven.ask(request_line)).startswith("CP FAILURE 4 CP of 4: ")


class SnappingStore(Store):
    optional_actions = frozenset({DatastoreAction.SNAP_DELETE})
    removed: int

    def snap_delete(self, image: ImageRequest, snapshot_id: int, datastore: Datastore) -> None:
        SnappingStore.removed = snapshot_id


async def test_the_image_says_which_snapshot_is_meant(
    serve: Serve, classes: dict[tuple[str, str], type]
) -> None:
    classes["datastore", "fs"] = SnappingStore
    driven = serve(DatastoreService, "fs")
    image = IMAGE.replace("</IMAGE>", "<TARGET_SNAPSHOT>3</TARGET_SNAPSHOT></IMAGE>")
    assert await driven.ask(line("SNAP_DELETE", image)) == "SNAP_DELETE SUCCESS 4 -"
    assert SnappingStore.removed == 3
    assert "no snapshot is named" in await driven.ask(line("SNAP_DELETE"))
    assert "is not implemented by driver" in await driven.ask(line("SNAP_REVERT", image))


async def test_other_actions_are_refused_by_name(driven: Any) -> None:
    assert await driven.ask(line("SNAP_DELETE")) == (
        "SNAP_DELETE FAILURE 4 SNAP_DELETE is not implemented by driver datastore/fs"
    )
