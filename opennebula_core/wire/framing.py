"""Lines of the driver protocol: read liberally, written strictly.

A line feed ends a message and nothing escapes it; words are split on runs of white space; the last field of
an answer is the rest of the line. Source: OpenNebula 1.2 to 7.4 as recorded in ``tests/wire/transcripts``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SUCCESS: Final = "SUCCESS"
FAILURE: Final = "FAILURE"
NO_OBJECT: Final = -1
"""The id of a message that is about no object."""

MAX_LINE_BYTES: Final = 64 * 1024 * 1024
"""Far above any real message (a host's report with a thousand guests is 300 KB); beyond it is rubbish."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``ACTION RESULT ID INFO``. ``result`` is ``SUCCESS`` or ``FAILURE``, or an odd word that is kept."""

    action: str
    result: str
    object_id: int
    info: str

    @property
    def success(self) -> bool:
        """Anything but the word SUCCESS is a failure."""
        return self.result == SUCCESS


@dataclass(frozen=True, slots=True)
class LogLine:
    """``LOG SEVERITY ID text``; severity ``I``, ``E``, ``D``, ``W``, or ``-`` from drivers of 1.x and 2.x."""

    severity: str
    object_id: int
    text: str


@dataclass(frozen=True, slots=True)
class RequestLine:
    """A request as the driver reads it: the words after the id are left as they are."""

    action: str
    object_id: int
    words: tuple[str, ...]


def parse_answer(line: str) -> Answer | LogLine | None:
    """Read a line that a driver wrote; ``None`` when it is neither an answer nor a log line."""
    fields = line.split(None, 3)
    if len(fields) < 3:
        return None
    rest = fields[3].rstrip() if len(fields) == 4 else ""
    object_id = _object_id(fields[2])
    if fields[0] == "LOG":
        if object_id is None:
            return LogLine(fields[1], NO_OBJECT, f"{fields[2]} {rest}".rstrip())
        return LogLine(fields[1], object_id, rest)
    if object_id is None:
        return None
    return Answer(fields[0], fields[1], object_id, rest)


def parse_request(line: str) -> RequestLine | None:
    """Read a line that a core wrote; ``None`` when it is blank or has no id where one belongs.

    The action may be in lower case; the status word between action and id may be missing (up to 5.12), empty
    (6.x: two blanks) or ``-`` (monitoring).
    """
    words = line.split()
    if not words:
        return None
    action = words[0].upper()
    if action in ("INIT", "FINALIZE"):
        return RequestLine(action, NO_OBJECT, tuple(words[1:]))
    after = words[2:] if words[1:2] == ["-"] and len(words) > 2 else words[1:]
    object_id = _object_id(after[0]) if after else None
    if object_id is None:
        return None
    return RequestLine(action, object_id, tuple(after[1:]))


def format_answer(action: str, *, success: bool, object_id: int, info: str = "") -> str:
    """Return the answer line without its line feed; an empty ``info`` is written ``-``."""
    result = SUCCESS if success else FAILURE
    return f"{action} {result} {object_id} {flatten(info) or '-'}"


def format_log(severity: str, object_id: int, text: str) -> list[str]:
    """Return the log lines for a text, one for each of its lines that is not blank."""
    return [f"LOG {severity} {object_id} {part}" for part in map(flatten, text.splitlines()) if part]


def flatten(text: str) -> str:
    """Return the text on one line: what would end the line or upset a terminal becomes a blank."""
    if text.isprintable():
        return text.strip()
    return "".join(c if c.isprintable() or c == "\t" else " " for c in text).strip()


class LineSplitter:
    """Cuts a stream of bytes into lines, whatever the size of the pieces it comes in."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that ``data`` completes, without line feeds; bad UTF-8 is replaced.

        :raises ValueError: a line grows beyond :data:`MAX_LINE_BYTES`
        """
        *lines, tail = data.split(b"\n")
        if lines:
            lines[0] = b"".join((*self._pieces, lines[0]))
            self._pieces.clear()
            self._size = 0
        self._size += len(tail)
        if self._size > MAX_LINE_BYTES:
            raise ValueError(f"line longer than {MAX_LINE_BYTES} bytes")
        if tail:
            self._pieces.append(tail)
        return [line.decode("utf-8", "replace").rstrip("\r") for line in lines]


def _object_id(word: str) -> int | None:
    if word == "-":
        return NO_OBJECT
    try:
        return int(word)
    except ValueError:
        return None
