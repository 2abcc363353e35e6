"""Transfer scripts: read them, and write the 6.10 form in the words of older releases.

``VERB[.SYSTEM_TM] tm argument... vm_id datastore_id``: one command a line, no quoting, no blank in a word.
Comments begin with ``#``; those that begin with ``#%`` carry what our own drivers are told besides:
``#% ATTEMPT=2`` about the whole script, ``#% SIZE=64 FORMAT=qcow2`` about the next command.
Source: OpenNebula 1.2 to 7.x transfer files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from opennebula_core.errors import DriverError

TM_WORD_SINCE: Final = (3, 4)
"""Here the name of the transfer driver became the second word of each line."""
IDS_SINCE: Final = (3, 6)
"""Here the ids of VM and datastore came to close each line."""
SNAPSHOT_ID_SINCE: Final = (4, 14)
"""Here CPDS got the id of a snapshot."""
SYSTEM_SUFFIX_SINCE: Final = (5, 0)
"""Here verbs got the system datastore's driver as a suffix."""

PRAGMA: Final = "#%"

VERBS_SINCE: Final[Mapping[str, tuple[int, int]]] = {
    "CLONE": (1, 2), "LN": (1, 2), "MKSWAP": (1, 2), "MV": (1, 2), "DELETE": (1, 2),
    "MKIMAGE": (1, 4), "CONTEXT": (1, 4), "MVDS": (1, 2), "CPDS": (3, 4), "MIGRATE": (3, 8),
    "SNAP_CREATE": (4, 14), "SNAP_REVERT": (4, 14), "SNAP_DELETE": (4, 14), "RESIZE": (5, 4),
}  # fmt: skip
"""Since when a verb can be said; MVDS was an MV to the image's path before 3.4."""


@dataclass(frozen=True, slots=True)
class Command:
    """One line of a script.

    :param system_tm: the suffix of the verb, the system datastore's driver where it differs; may be empty
    :param tm: the name of the transfer driver that shall run it
    :param arguments: the words between ``tm`` and the two ids
    :param pragmas: what ``#%`` comments said about this line
    """

    verb: str
    system_tm: str
    tm: str
    arguments: tuple[str, ...]
    vm_id: int
    datastore_id: int
    pragmas: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The line as it stood in the script."""
        verb = f"{self.verb}.{self.system_tm}" if self.system_tm else self.verb
        return " ".join((verb, self.tm, *self.arguments, str(self.vm_id), str(self.datastore_id)))


@dataclass(frozen=True, slots=True)
class Script:
    """A script's commands in order, and how often it has been sent."""

    commands: tuple[Command, ...]
    attempt: int = 1


def parse_script(text: str) -> Script:
    """Read a script in the form of 3.6 and later.

    :raises DriverError: a line has too few words, or does not end with two numbers
    """
    attempt = 1
    commands = []
    pragmas: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        if words[0].startswith(PRAGMA):
            pragmas.update(_pragmas(line))
            attempt = _positive(pragmas.pop("ATTEMPT", attempt))
        elif not words[0].startswith("#"):
            commands.append(_command(words, number, pragmas))
            pragmas = {}
    return Script(tuple(commands), attempt)


def translate_script(text: str, release: tuple[int, int]) -> str:
    """Return a script of the 6.10 form as drivers of an older release read it.

    :raises DriverError: the release has no words for one of its commands
    """
    if release >= SYSTEM_SUFFIX_SINCE or not text.strip():
        return text
    commands = parse_script(text).commands
    if release < TM_WORD_SINCE:
        commands = tuple(_without_covered_moves(commands))
    return "".join(f"{_translate(command, release)}\n" for command in commands)


def _translate(command: Command, release: tuple[int, int]) -> str:
    since = VERBS_SINCE.get(command.verb)
    if since is None or release < since:
        raise DriverError(
            f"transfer command {command.text!r}: drivers of OpenNebula {release[0]}.{release[1]} do not "
            f"know {command.verb}; do without, or use a newer driver"
        )
    arguments = list(command.arguments)
    verb = command.verb
    if verb == "CPDS" and release < SNAPSHOT_ID_SINCE:
        arguments = arguments[:-1]
    if verb == "CONTEXT" and release < IDS_SINCE:
        arguments = [*(_plain_file(command, word) for word in arguments[:-1]), arguments[-1]]
    if release >= IDS_SINCE:
        return " ".join((verb, command.tm, *arguments, str(command.vm_id), str(command.datastore_id)))
    if release >= TM_WORD_SINCE:
        return " ".join((verb, command.tm, *arguments))
    if verb in ("CLONE", "LN") and "SIZE" in command.pragmas:
        arguments.append(command.pragmas["SIZE"])
    return " ".join(("MV" if verb == "MVDS" else verb, *arguments))


def _plain_file(command: Command, word: str) -> str:
    """Before 3.6 a context file kept its own name on the CD."""
    path, _, name = word.partition(":")
    if name and name != PurePosixPath(path).name:
        raise DriverError(
            f"transfer command {command.text!r}: drivers before OpenNebula 3.6 cannot rename {path!r}; "
            f"name the file {name!r} on the front-end, or use a newer driver"
        )
    return path


def _without_covered_moves(commands: Sequence[Command]) -> Iterator[Command]:
    """Leave out moves of single disks whose folder is moved too: before 3.4 the folder went as a whole."""
    folders = {command.arguments for command in commands if command.verb == "MV"}
    for command in commands:
        if command.verb == "MV":
            parents = tuple(argument.rpartition("/")[0] for argument in command.arguments)
            if parents in folders:
                continue
        yield command


def _command(words: Sequence[str], number: int, pragmas: Mapping[str, str]) -> Command:
    verb, _, system_tm = words[0].partition(".")
    try:
        tm, *arguments, vm_id, datastore_id = words[1:]
        return Command(
            verb.upper(), system_tm, tm, tuple(arguments), int(vm_id), int(datastore_id), dict(pragmas)
        )
    except ValueError:
        raise DriverError(
            f"transfer script, line {number}: {' '.join(words)!r} is no command; expected VERB DRIVER "
            f"ARGUMENTS... VM_ID DATASTORE_ID"
        ) from None


def _pragmas(line: str) -> dict[str, str]:
    pairs = (word.partition("=") for word in line.partition(PRAGMA)[2].split())
    return {name.upper(): value for name, equals, value in pairs if equals}


def _positive(value: str | int) -> int:
    try:
        return max(1, int(value))
    except ValueError:
        return 1
