"""What every dialect offers the supervisor: requests to lines, answers to replies."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from opennebula_core.errors import ConfigError
from opennebula_core.wire.framing import Answer, LogLine
from opennebula_core.wire.requests import Reply, Request

if TYPE_CHECKING:
    from opennebula_core.wire.monitoring.messages import MonitorMessage

Release = tuple[int, int]
"""An OpenNebula release, such as ``(6, 10)``."""

NEWEST: Final[Release] = (6, 10)
"""What our own drivers speak, and executables whose ``dialect`` is not configured."""

EMPTY_STATUS_SINCE: Final[Release] = (6, 0)
"""From here on the core writes an empty status word, hence two blanks. Source: OpenNebula 6.10.5 requests."""


def parse_release(text: str) -> Release:
    """Read a release such as ``3.2`` or ``6.10.5``.

    :raises ConfigError: it is none
    """
    match = re.fullmatch(r"(\d+)\.(\d+)(?:\.\d+)*", text.strip())
    if match is None:
        raise ConfigError(
            f"dialect {text!r} of a driver: no release of OpenNebula; write the release that the driver "
            f"comes from, such as '4.14'"
        )
    return int(match[1]), int(match[2])


class Dialect(ABC):
    """How the drivers of one kind spoke in one release of OpenNebula."""

    kind: ClassVar[str]

    def __init__(self, release: Release = NEWEST) -> None:
        self.release = release

    @property
    @abstractmethod
    def actions(self) -> frozenset[str]:
        """What the drivers of that release can be asked for."""

    @property
    @abstractmethod
    def resend_safe(self) -> frozenset[str]:
        """The actions that a foreign driver may be sent again when their outcome is unknown."""

    @abstractmethod
    def encode(self, request: Request) -> str:
        """Return the request's line without its line feed.

        :raises DriverError: the release has no words for it
        """

    @property
    def described_actions(self) -> frozenset[str]:
        """What a driver of that release says it can do, as ``onedriver --describe`` would."""
        return self.actions

    def may_resend(self, request: Request) -> bool:
        """Whether the request may be sent again when its outcome is unknown."""
        return request.action in self.resend_safe

    def wire_action(self, request: Request) -> str:
        """Return the action word under which the answer will come."""
        return request.action

    def decode(self, request: Request, answer: Answer) -> Reply:
        """Return the answer's meaning in the words of 6.10."""
        return Reply(answer.success, "" if answer.info == "-" else answer.info)

    def decode_log(self, line: LogLine) -> LogLine:
        """Return the log line with a readable text."""
        return line

    def messages(self, answer: Answer) -> Sequence[MonitorMessage]:
        """Return the monitoring values that an answer, asked for or not, carries."""
        return ()

    def head(self, action: str, object_id: int) -> str:
        """Return a request line up to and with the id."""
        if self.release >= EMPTY_STATUS_SINCE:
            return f"{action}  {object_id}"
        return f"{action} {object_id}"

    def cancel(self, object_id: int) -> str:
        """Return the line that ends what the driver does for an object; no answer follows it."""
        line = self.head("DRIVER_CANCEL", object_id)
        return f"{line} " if self.release >= EMPTY_STATUS_SINCE else line
