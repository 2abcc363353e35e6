"""What all kinds of drivers share: options, context, reports of progress."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol


@dataclass(frozen=True, slots=True)
class Option:
    """One setting of a driver or policy, as it may stand in ``oned.toml``.

    :param type: ``str``, ``int``, ``float``, ``bool``; the setting is checked against it at load
    :param help: one sentence for ``one plugin show``
    """

    name: str
    type: type[str] | type[int] | type[float] | type[bool]
    default: str | int | float | bool
    help: str


class Report(Protocol):
    """Where an action tells what it is doing; the lines end up in the object's log."""

    def info(self, text: str) -> None:
        """Write a line of severity I."""

    def warning(self, text: str) -> None:
        """Write a line of severity W."""

    def error(self, text: str) -> None:
        """Write a line of severity E."""

    def progress(self, done: int, total: int) -> None:
        """Say how far a long action is, in the unit of ``total`` (bytes for transfers)."""


class SilentReport:
    """A report that nobody reads."""

    def info(self, text: str) -> None:
        """Drop the line."""

    def warning(self, text: str) -> None:
        """Drop the line."""

    def error(self, text: str) -> None:
        """Drop the line."""

    def progress(self, done: int, total: int) -> None:
        """Drop the figures."""


@dataclass(frozen=True, slots=True)
class DriverContext:
    """What a driver is given when its process starts.

    :param name: the entry-point name it was started under, such as ``kvm``
    :param location: ``ONE_LOCATION``
    :param settings: the driver's own options, complete and of the declared types
    :param datastores: the folder of the datastores on every host
    """

    name: str
    location: Path
    settings: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    datastores: str = "/var/lib/one/datastores"


class Driver(ABC):  # noqa: B024  # its abstract methods stand in the contracts of the kinds
    """Root of every driver class.

    A driver lives in a process of its own that ``onedriver`` runs. All methods of the contracts may be
    ``async def`` or plain; plain ones run on a bounded pool of threads.
    """

    options: ClassVar[tuple[Option, ...]] = ()
    """The settings it understands, each with a default that works."""

    def __init__(self, context: DriverContext) -> None:
        self.driver_context = context

    def setting(self, name: str) -> str | int | float | bool:
        """Return the option ``name``: as configured, else its default.

        :raises KeyError: the driver declares no such option
        """
        if name in self.driver_context.settings:
            return self.driver_context.settings[name]
        return {option.name: option.default for option in self.options}[name]

    async def close(self) -> None:
        """Release what the driver holds (connections). Called once, at the end of the process."""
        return None
