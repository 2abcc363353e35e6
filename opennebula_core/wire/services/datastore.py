"""Datastore drivers as a process: actions by the driver that the datastore names."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import cast
from xml.etree.ElementTree import Element

from opennebula_core.contracts.datastore import Datastore, DatastoreDriver, ImageFile, ImageRequest
from opennebula_core.errors import DriverError, DriverNotFoundError, XmlError
from opennebula_core.model.elements import parse_element
from opennebula_core.model.template import Template
from opennebula_core.plugins.description import actions_of
from opennebula_core.wire.framing import RequestLine
from opennebula_core.wire.services.drivers import may_block
from opennebula_core.wire.services.report import WireReport
from opennebula_core.wire.services.service import Job, Service


class DatastoreService(Service):
    """Carries out STAT, CP, MKFS, CLONE, RM, SNAP_DELETE, SNAP_REVERT, SNAP_FLATTEN and MONITOR."""

    kind = "datastore"

    def load(self) -> None:
        """Load the driver that the process was started for; others follow when a datastore names them."""
        self.drivers.get(self.kind, self.name)

    def job(self, request: RequestLine, report: WireReport) -> Job:
        """Decode a request and choose the method."""
        document = _document(request)
        store = document.find("DATASTORE")
        datastore = _datastore(store if store is not None else Element("DATASTORE"))
        driver = self._driver(store)
        image_element = document.find("IMAGE")
        image = _image(image_element if image_element is not None else Element("IMAGE"), request, report)
        work = _Work(self, driver, image, datastore, report)
        methods: dict[str, Callable[[], Awaitable[str]]] = {
            "STAT": work.stat,
            "CP": lambda: work.made(driver.copy),
            "MKFS": lambda: work.made(driver.make),
            "CLONE": lambda: work.made(driver.clone),
            "RM": work.remove,
            "SNAP_DELETE": lambda: work.snapshot(driver.snap_delete),
            "SNAP_REVERT": lambda: work.snapshot(driver.snap_revert),
            "SNAP_FLATTEN": lambda: work.snapshot(driver.snap_flatten),
            "MONITOR": work.monitor,
        }
        if request.action not in methods or request.action not in actions_of(self.kind, type(driver)):
            raise NotImplementedError
        return Job("", methods[request.action])

    def _driver(self, store: Element | None) -> DatastoreDriver:
        name = (store.findtext("DS_MAD", "").strip() if store is not None else "") or self.name
        try:
            return cast(DatastoreDriver, self.drivers.get(self.kind, name))
        except DriverNotFoundError as error:
            raise DriverError(f"Datastore driver {name!r} not available: {error}") from error


@dataclass(frozen=True, slots=True)
class _Work:
    service: DatastoreService
    driver: DatastoreDriver
    image: ImageRequest
    datastore: Datastore
    report: WireReport

    async def stat(self) -> str:
        call = self.service.drivers.call
        return str(await call("", self.driver.stat, self.image, self.datastore))

    async def made(
        self, method: Callable[[ImageRequest, Datastore], Awaitable[ImageFile] | ImageFile]
    ) -> str:
        making = asyncio.ensure_future(self.service.drivers.call("", method, self.image, self.datastore))
        try:
            file = await asyncio.shield(making)
        except asyncio.CancelledError:
            if not may_block(method):
                making.cancel()
            self.report.drop()
            await self._undo(making)
            raise
        if not file.source or any(c.isspace() for c in file.source):
            raise DriverError(
                f"image {self.image.image_id}: its source {file.source!r} is empty or holds a blank, which "
                f"the driver protocol cannot carry; choose a BASE_PATH without blanks"
            )
        return f"{file.source} {file.format}"

    async def _undo(self, making: asyncio.Future[ImageFile]) -> None:
        """Wait for the end of what was dropped, and remove what it has made: nobody knows of it."""
        await asyncio.wait([making])
        if making.cancelled() or making.exception() is not None:
            return
        image = replace(self.image, source=making.result().source)
        await self.service.drivers.call("", self.driver.remove, image, self.datastore)

    async def remove(self) -> str:
        await self.service.drivers.call("", self.driver.remove, self.image, self.datastore)
        return ""

    async def snapshot(self, method: Callable[[ImageRequest, int, Datastore], Awaitable[None] | None]) -> str:
        image = self.image
        snapshot_id = _number(image.document, "TARGET_SNAPSHOT", -1)
        if snapshot_id < 0:
            raise DriverError(f"image {image.image_id}: no snapshot is named; name it in TARGET_SNAPSHOT")
        await self.service.drivers.call("", method, image, snapshot_id, self.datastore)
        return ""

    async def monitor(self) -> str:
        usage = await self.service.drivers.call("", self.driver.monitor, self.datastore)
        text = f"USED_MB={usage.used_mib}\nTOTAL_MB={usage.total_mib}\nFREE_MB={usage.free_mib}\n"
        return base64.b64encode(text.encode()).decode()


def _document(request: RequestLine) -> Element:
    where = f"{request.action} of {request.object_id}"
    if not request.words:
        raise DriverError(f"{where}: the payload is missing; send DS_DRIVER_ACTION_DATA in base64")
    try:
        return parse_element(base64.b64decode(request.words[-1], validate=True).decode("utf-8", "replace"))
    except (binascii.Error, ValueError, XmlError) as error:
        raise DriverError(f"{where}: its payload is damaged: {error}") from None


def _datastore(element: Element) -> Datastore:
    return Datastore(
        datastore_id=_number(element, "ID", -1),
        name=element.findtext("NAME", ""),
        base_path=element.findtext("BASE_PATH", "").strip(),
        template=_template(element),
    )


def _image(element: Element, request: RequestLine, report: WireReport) -> ImageRequest:
    return ImageRequest(
        image_id=_number(element, "ID", request.object_id),
        name=element.findtext("NAME", ""),
        path=element.findtext("PATH", "").strip(),
        source=element.findtext("SOURCE", "").strip(),
        size_mib=_number(element, "SIZE", 0),
        format=element.findtext("FORMAT", "").strip(),
        fs=(element.findtext("FS") or element.findtext("FSTYPE") or "").strip(),
        template=_template(element),
        document=element,
        report=report,
    )


def _template(element: Element) -> Template:
    found = element.find("TEMPLATE")
    return Template.from_element(found) if found is not None else Template()


def _number(element: Element, name: str, default: int) -> int:
    try:
        return int(element.findtext(name, ""))
    except ValueError:
        return default
