"""What is common to the services: from a request line to a job, and its errors in users' words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

from opennebula_core.wire.framing import RequestLine
from opennebula_core.wire.services.drivers import DriverSet
from opennebula_core.wire.services.report import WireReport


@dataclass(frozen=True, slots=True)
class Job:
    """A request understood: the host that it keeps busy, and the work, which returns the answer's INFO."""

    host: str
    run: Callable[[], Awaitable[str]]


class Service(ABC):
    """Turns the requests of one kind into calls of driver methods.

    :param name: the driver that the process was started for
    """

    kind: ClassVar[str]

    def __init__(self, name: str, drivers: DriverSet) -> None:
        self.name = name
        self.drivers = drivers

    @abstractmethod
    def load(self) -> None:
        """Load the driver, so that a process that cannot work says so at INIT.

        :raises PluginError: it cannot be loaded
        :raises ConfigError: its options are wrong
        """

    @abstractmethod
    def job(self, request: RequestLine, report: WireReport) -> Job:
        """Understand a request.

        :raises DriverError: it makes no sense, or the driver does not do it
        """

    def info(self, text: str, *, success: bool) -> str:
        """Return the text as it goes into the answer."""
        return text

    async def close(self) -> None:
        """End what goes on by itself."""
        return None
