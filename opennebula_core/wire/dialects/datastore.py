"""How datastore drivers are asked: words in 3.0 and 3.2, one word of base64 XML from 3.4 on."""

from __future__ import annotations

import base64
from typing import Final

from opennebula_core.errors import DriverError
from opennebula_core.model.elements import parse_element
from opennebula_core.wire.dialects.base import Dialect, Release
from opennebula_core.wire.framing import Answer
from opennebula_core.wire.requests import DatastoreRequest, Reply, Request

SINCE: Final[dict[str, Release]] = {
    "CP": (3, 0), "MKFS": (3, 0), "RM": (3, 0),
    "STAT": (4, 0), "CLONE": (4, 0),
    "MONITOR": (4, 4),
    "SNAP_DELETE": (4, 14), "SNAP_REVERT": (4, 14), "SNAP_FLATTEN": (4, 14),
    "RESTORE": (6, 6), "INCREMENT_FLATTEN": (6, 6),
}  # fmt: skip
"""Since when the drivers know an action. Source: 3.0-image.txt, 3.4-datastore.txt to 7.4-datastore.txt."""

XML_SINCE: Final[Release] = (3, 4)
FORMAT_IN_ANSWER_SINCE: Final[Release] = (6, 0)


class DatastoreDialect(Dialect):
    """Common to both forms: the actions, and answers as 6.10 gives them."""

    kind = "datastore"

    @property
    def actions(self) -> frozenset[str]:
        """The actions of the release."""
        return frozenset(action for action, since in SINCE.items() if since <= self.release)

    @property
    def resend_safe(self) -> frozenset[str]:
        """A second CP, MKFS or CLONE of a foreign driver would leave a file that nobody knows."""
        return frozenset({"STAT", "RM", "MONITOR"}) & self.actions

    def decode(self, request: Request, answer: Answer) -> Reply:
        """Return ``SOURCE FORMAT`` for an image made, as 6.10 does, whatever else the release says there."""
        reply = super().decode(request, answer)
        if not reply.success or answer.action not in ("CP", "MKFS", "CLONE"):
            return reply
        words = reply.info.split()
        if not words:
            return Reply(False, f"{answer.action} of image {answer.object_id}: the driver named no source")
        if len(words) > 1 and self.release >= FORMAT_IN_ANSWER_SINCE:
            return reply
        return Reply(True, f"{words[0]} {_format(request)}")

    def _expect(self, request: Request) -> DatastoreRequest:
        assert isinstance(request, DatastoreRequest)
        if request.action not in self.actions:
            raise DriverError(
                f"{request.action} of {request.id}: datastore drivers of OpenNebula "
                f"{self.release[0]}.{self.release[1]} do not know it; do without, or use a newer driver"
            )
        return request


class XmlDatastoreDialect(DatastoreDialect):
    """3.4 and later: DS_DRIVER_ACTION_DATA. Source: 6.10.5-core-requests.txt."""

    def encode(self, request: Request) -> str:
        """Return ``ACTION ID BASE64``."""
        datastore = self._expect(request)
        attempt = f"<ATTEMPT>{datastore.attempt}</ATTEMPT>" if datastore.attempt > 1 else ""
        payload = (
            f"<DS_DRIVER_ACTION_DATA>{datastore.image_xml}{datastore.datastore_xml}{attempt}"
            f"</DS_DRIVER_ACTION_DATA>"
        )
        encoded = base64.b64encode(payload.encode()).decode()
        return f"{self.head(datastore.action, datastore.id)} {encoded}"


class WordsDatastoreDialect(DatastoreDialect):
    """3.0 and 3.2, where it was called the image driver. Source: 3.0-image.txt."""

    def encode(self, request: Request) -> str:
        """Return ``CP ID PATH``, ``MKFS ID FS SIZE_MB`` or ``RM ID SOURCE``."""
        datastore = self._expect(request)
        image = parse_element(datastore.image_xml)
        names = {"CP": ("PATH",), "MKFS": ("FS", "SIZE"), "RM": ("SOURCE",)}[datastore.action]
        words = [image.findtext(name, "") for name in names]
        if any(not word or any(c.isspace() for c in word) for word in words):
            raise DriverError(
                f"{datastore.action} of image {datastore.id}: {' and '.join(names)} must be words without "
                f"blanks for drivers before OpenNebula 3.4; rename the file"
            )
        return " ".join((datastore.action, str(datastore.id), *words))


def datastore_dialect(release: Release) -> DatastoreDialect:
    """Return how datastore drivers of a release are asked."""
    return WordsDatastoreDialect(release) if release < XML_SINCE else XmlDatastoreDialect(release)


def _format(request: Request) -> str:
    assert isinstance(request, DatastoreRequest)
    document = parse_element(request.image_xml) if request.image_xml else None
    return (document.findtext("FORMAT") if document is not None else None) or "raw"
