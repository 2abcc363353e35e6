"""A host's answer taken apart into its sections. What a host says is not trusted: it is checked here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from opennebula_core.errors import DriverError

MAX_ANSWER_CHARS = 8 * 1024 * 1024
"""A thousand guests with ten disks and cards each are about 4 million characters."""

END = "end"

_NUMBER = re.compile(r"[0-9]{1,20}\Z", re.ASCII)


class Answer:
    """The sections of one answer.

    :param text: all that the host wrote
    :param mark: the word with which the probe's own lines begin
    :raises DriverError: it is too long, or not whole
    """

    def __init__(self, text: str, mark: str) -> None:
        if len(text) > MAX_ANSWER_CHARS:
            raise DriverError(
                f"read what the probe found: {len(text)} characters, over {MAX_ANSWER_CHARS}; "
                f"see what the host writes"
            )
        self._sections: dict[str, list[str]] = {}
        lines = self._sections.setdefault("", [])
        for line in text.split("\n"):
            if line.startswith(f"{mark} "):
                # a section that was begun again, after an attempt that failed, counts from there
                lines = self._sections[line[len(mark) + 1 :]] = []
            else:
                lines.append(line)
        if END not in self._sections:
            raise DriverError("read what the probe found: it broke off; see what the host writes")

    def __contains__(self, name: str) -> bool:
        return name in self._sections

    def lines(self, name: str) -> list[str]:
        """Return the lines of a section, without empty ones.

        :raises DriverError: there is no such section
        """
        try:
            return [line for line in self._sections[name] if line]
        except KeyError:
            raise refusal(name, "it is missing") from None

    def text(self, name: str) -> str:
        """Return a section as it came; empty when it is missing."""
        return "\n".join(self._sections.get(name, ()))

    def rows(self, name: str, columns: int) -> Iterator[list[str]]:
        """Yield the lines of a section, split at blanks into that many columns; the last may hold some.

        :raises DriverError: a line has fewer
        """
        for line in self.lines(name):
            row = line.split(None, columns - 1)
            if len(row) != columns:
                raise refusal(name, f"{line[:80]!r} has not {columns} columns")
            yield row


def number(text: str, section: str) -> int:
    """Return a number that a host wrote.

    :raises DriverError: it is none, or absurdly long
    """
    if not _NUMBER.match(text):
        raise refusal(section, f"{text[:80]!r} is no number")
    return int(text)


def counter(values: Mapping[str, str], name: str) -> int:
    """Return one of a domain's figures, 0 when libvirt does not give it.

    :raises DriverError: it is no number
    """
    text = values.get(name)
    return 0 if text is None else number(text, "domains")


def refusal(section: str, why: str) -> DriverError:
    """Return the error for a section that is not as it must be."""
    return DriverError(f"read what the probe found: section {section}: {why}; see what the host writes")
