"""Transfer commands as calls of transfer drivers: for scripts, and for the lines in VMM requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final, cast
from xml.etree.ElementTree import Element

from opennebula_core.contracts.driver import Report
from opennebula_core.contracts.tm import Location, TmAction, TmDriver, Transfer
from opennebula_core.errors import DriverError, DriverNotFoundError
from opennebula_core.wire.services.drivers import DriverSet
from opennebula_core.wire.transfer_script import Command

KIND: Final = "tm"
FAILMIGRATE: Final = TmAction.FAILMIGRATE.value
Arguments = tuple[object, ...]


class TransferRunner:
    """Runs transfer commands with the drivers that they name."""

    def __init__(self, drivers: DriverSet) -> None:
        self._drivers = drivers

    async def run(self, command: Command, report: Report, attempt: int) -> None:
        """Carry out one command of a script.

        :raises DriverError: it fails, its driver is not installed or does not know it, its words are wrong
        """
        if command.verb == FAILMIGRATE:  # of a cold migration; it has no document, nor needs one
            await self.migrate("fail", command, Element("VM"), report, attempt)
            return
        driver = self._driver(command)
        method, read = _VERBS.get(command.verb, (None, None))
        if method is None or read is None:
            raise _not_implemented(command)
        arguments = read(command.verb, command.arguments)
        transfer = transfer_of(command, report, attempt)
        bound: Callable[..., Awaitable[None] | None] = getattr(driver, method)
        try:
            await self._drivers.call(target_host(command), bound, *arguments, transfer)
        except NotImplementedError:
            raise _not_implemented(command) from None

    async def migrate(self, phase: str, command: Command, vm: Element, report: Report, attempt: int) -> None:
        """Carry out one phase, ``pre``, ``post`` or ``fail``, of a MIGRATE line.

        :raises DriverError: see :meth:`run`
        """
        driver = self._driver(command)
        if len(command.arguments) != 3:
            raise _wrong_words(command.verb, command.arguments, "SOURCE_HOST DESTINATION_HOST FOLDER")
        source, destination, folder = command.arguments
        method = {"pre": driver.premigrate, "post": driver.postmigrate, "fail": driver.failmigrate}[phase]
        transfer = transfer_of(command, report, attempt)
        await self._drivers.call(destination, method, source, destination, folder, vm, transfer)

    def _driver(self, command: Command) -> TmDriver:
        try:
            return cast(TmDriver, self._drivers.get(KIND, command.tm))
        except DriverNotFoundError as error:
            raise DriverError(f"Transfer Driver {command.tm!r} not available: {error}") from error


def transfer_of(command: Command, report: Report, attempt: int) -> Transfer:
    """Return what the command is for."""
    size = command.pragmas.get("SIZE", "")
    return Transfer(
        vm_id=command.vm_id,
        datastore_id=command.datastore_id,
        size_mib=int(size) if size.isdecimal() else 0,
        format=command.pragmas.get("FORMAT", ""),
        attempt=attempt,
        report=report,
    )


def target_host(command: Command) -> str:
    """Return the host that the command keeps busy: that of its last path which names one."""
    for argument in reversed(command.arguments):
        if ":/" in argument and (host := Location.parse(argument).host):
            return host
    return ""


def _not_implemented(command: Command) -> DriverError:
    return DriverError(f"Transfer Driver {command.tm!r} does not implement {command.verb.lower()!r}")


def _wrong_words(verb: str, words: Sequence[str], expected: str) -> DriverError:
    return DriverError(f"transfer command {verb} {' '.join(words)!r}: wrong words; expected {expected}")


def _number(verb: str, words: Sequence[str], word: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise _wrong_words(verb, words, f"a number where {word!r} stands") from None


def _two_places(verb: str, words: Sequence[str]) -> Arguments:
    if len(words) != 2:
        raise _wrong_words(verb, words, "SOURCE DESTINATION")
    return Location.parse(words[0]), Location.parse(words[1])


def _one_place(verb: str, words: Sequence[str]) -> Arguments:
    if len(words) != 1:
        raise _wrong_words(verb, words, "TARGET")
    return (Location.parse(words[0]),)


def _swap(verb: str, words: Sequence[str]) -> Arguments:
    if len(words) != 2:
        raise _wrong_words(verb, words, "SIZE DESTINATION")
    return _number(verb, words, words[0]), "swap", Location.parse(words[1])


def _image(verb: str, words: Sequence[str]) -> Arguments:
    if len(words) != 3:
        raise _wrong_words(verb, words, "SIZE FORMAT DESTINATION")
    return _number(verb, words, words[0]), words[1], Location.parse(words[2])


def _context(verb: str, words: Sequence[str]) -> Arguments:
    if len(words) < 2:
        raise _wrong_words(verb, words, "FILE[:NAME]... DESTINATION")
    named = (word.partition(":") for word in words[:-1])
    files = [(path, name or PurePosixPath(path).name) for path, _, name in named]
    return files, Location.parse(words[-1])


def _copy(verb: str, words: Sequence[str]) -> Arguments:
    if len(words) != 3:
        raise _wrong_words(verb, words, "DISK IMAGE SNAPSHOT_ID")
    return Location.parse(words[0]), Location.parse(words[1]), _number(verb, words, words[2])


def _snapshot(verb: str, words: Sequence[str]) -> Arguments:
    if len(words) != 2:
        raise _wrong_words(verb, words, "DISK SNAPSHOT_ID")
    return Location.parse(words[0]), _number(verb, words, words[1])


def _size(verb: str, words: Sequence[str]) -> Arguments:
    if len(words) != 2:
        raise _wrong_words(verb, words, "DISK SIZE")
    return Location.parse(words[0]), _number(verb, words, words[1])


_VERBS: Final[Mapping[str, tuple[str, Callable[[str, Sequence[str]], Arguments]]]] = {
    "CLONE": ("clone", _two_places),
    "LN": ("link", _two_places),
    "MKSWAP": ("make_image", _swap),
    "MKIMAGE": ("make_image", _image),
    "CONTEXT": ("context", _context),
    "MV": ("move", _two_places),
    "MVDS": ("move_back", _two_places),
    "CPDS": ("copy_back", _copy),
    "DELETE": ("delete", _one_place),
    "RESIZE": ("resize", _size),
    "SNAP_CREATE": ("snap_create", _snapshot),
    "SNAP_REVERT": ("snap_revert", _snapshot),
    "SNAP_DELETE": ("snap_delete", _snapshot),
}
"""The contract's method for each verb, and how its words are read."""
