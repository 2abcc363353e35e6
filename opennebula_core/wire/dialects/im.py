"""How information drivers are asked: pulled by words, pushed in base64, or pushed in packed messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from opennebula_core.errors import DriverError, XmlError
from opennebula_core.model.elements import parse_element
from opennebula_core.wire.dialects.base import Dialect, Release
from opennebula_core.wire.framing import Answer, LogLine
from opennebula_core.wire.monitoring.messages import HostFailed, MonitorMessage
from opennebula_core.wire.monitoring.packing import decode_base64, pack, unpack
from opennebula_core.wire.monitoring.reading import parse_bundle, parse_message, parse_report
from opennebula_core.wire.requests import MonitorRequest, Reply, Request

UPDATE_FLAG_SINCE: Final[Release] = (2, 0)
BASE64_SINCE: Final[Release] = (4, 4)
PACKED_SINCE: Final[Release] = (5, 12)

START: Final = "START_MONITOR"
STOP: Final = "STOP_MONITOR"
PULL: Final = "MONITOR"
"""One more look at a host whose probes have been copied already; only where ``pulls`` is true."""

DEFAULT_DATASTORE_LOCATION: Final = "/var/lib/one/datastores"


class ImDialect(Dialect):
    """Common to all: what can be asked, and that asking again is harmless."""

    kind = "im"
    pulls: ClassVar[bool] = False
    """The driver sends nothing by itself: each look has to be asked for."""

    @property
    def actions(self) -> frozenset[str]:
        """Monitoring is switched on and off; the core's words for it are those of 5.12 and later."""
        return frozenset({START, STOP})

    @property
    def resend_safe(self) -> frozenset[str]:
        """A host is watched once, however often it is asked for."""
        return self.actions

    def _host(self, request: Request) -> tuple[MonitorRequest, str]:
        assert isinstance(request, MonitorRequest)
        name = parse_element(request.host_xml).findtext("NAME", "")
        if not name or any(c.isspace() for c in name):
            raise DriverError(
                f"{request.action} of host {request.host_id}: its name {name!r} is empty or holds a blank, "
                f"which drivers before OpenNebula 5.12 cannot take; rename it"
            )
        return request, name


class WordsImDialect(ImDialect):
    """1.2 to 4.2: each look is asked for. Source: 1.4-im.txt, 2.0-im.txt, 3.0-im.txt, 3.4-im.txt."""

    pulls = True

    def wire_action(self, request: Request) -> str:
        """Return MONITOR, the one word they know."""
        return PULL

    def encode(self, request: Request) -> str:
        """Return ``MONITOR ID HOST [UPD]``; the first look copies the probes to the host."""
        monitor, host = self._host(request)
        if monitor.action == STOP:
            raise DriverError(
                f"{STOP} of host {monitor.host_id}: drivers before OpenNebula 4.4 watch nothing by "
                f"themselves; stop asking them"
            )
        line = f"{PULL} {monitor.host_id} {host}"
        if self.release < UPDATE_FLAG_SINCE:
            return line
        return f"{line} {int(monitor.action == START)}"

    def messages(self, answer: Answer) -> Sequence[MonitorMessage]:
        """Return what the answer to MONITOR says."""
        if answer.action != PULL:
            return ()
        if not answer.success:
            return (HostFailed(answer.object_id, 0, answer.info),)
        return parse_report(answer.object_id, answer.info, words=True)


class Base64ImDialect(ImDialect):
    """4.4 to 5.10: the first look starts a client on the host. Source: 4.4-im.txt, 4.14-im.txt."""

    def wire_action(self, request: Request) -> str:
        """Return MONITOR or STOPMONITOR."""
        return "STOPMONITOR" if request.action == STOP else PULL

    def encode(self, request: Request) -> str:
        """Return ``MONITOR ID HOST DATASTORE_LOCATION 1``, or ``STOPMONITOR ID HOST`` and a blank."""
        monitor, host = self._host(request)
        if monitor.action == STOP:
            return f"STOPMONITOR {monitor.host_id} {host} "
        configuration = parse_element(monitor.configuration_xml or "<MONITOR_CONFIGURATION/>")
        location = configuration.findtext("DATASTORE_LOCATION") or DEFAULT_DATASTORE_LOCATION
        return f"{PULL} {monitor.host_id} {host} {location} 1"

    def messages(self, answer: Answer) -> Sequence[MonitorMessage]:
        """Return what a report says, be it an answer or a line of the client on the host."""
        if answer.action != PULL:
            return ()
        if not answer.success:
            return (HostFailed(answer.object_id, 0, _readable(answer.info)),)
        return parse_report(answer.object_id, decode_base64(answer.info))


class PackedImDialect(ImDialect):
    """5.12 and later. Source: 5.12-im.txt, 6.10-im.txt, 7.4-im.txt, 6.10.5-core-requests.txt."""

    def encode(self, request: Request) -> str:
        """Return ``START_MONITOR - ID 0 PACKED``: there must be four words after the action."""
        assert isinstance(request, MonitorRequest)
        document = (
            f"<MONITOR_DRIVER_ACTION>{request.host_xml}{request.configuration_xml}</MONITOR_DRIVER_ACTION>"
        )
        return f"{request.action} - {request.host_id} 0 {pack(document)}"

    def decode(self, request: Request, answer: Answer) -> Reply:
        """Return the reply with a readable text; the messages in it come by :meth:`messages`."""
        return Reply(answer.success, "" if answer.success else _last_unpacked(answer.info))

    def decode_log(self, line: LogLine) -> LogLine:
        """Return the line with its packed text unpacked; a plain text stays."""
        return LogLine(line.severity, line.object_id, _last_unpacked(line.text))

    def messages(self, answer: Answer) -> Sequence[MonitorMessage]:
        """Return what a message says, or the messages in the answer to START_MONITOR."""
        if answer.action != START:
            return parse_message(answer)
        words = answer.info.split()
        if not answer.success or not words:
            return ()
        try:
            return parse_bundle(answer.object_id, unpack(words[-1]))
        except XmlError as error:
            raise DriverError(f"{START} of host {answer.object_id}: {error}") from error


def im_dialect(release: Release) -> ImDialect:
    """Return how information drivers of a release are asked."""
    if release < BASE64_SINCE:
        return WordsImDialect(release)
    return Base64ImDialect(release) if release < PACKED_SINCE else PackedImDialect(release)


def _last_unpacked(text: str) -> str:
    words = text.split()
    try:
        return unpack(words[-1]).strip() if words else ""
    except DriverError:
        return text


def _readable(text: str) -> str:
    try:
        return decode_base64(text).strip()
    except DriverError:
        return text
