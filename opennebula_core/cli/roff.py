"""Text for man pages: pure functions from words to roff."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PARAGRAPHS = re.compile(r"\n\s*\n")


def escaped(text: str) -> str:
    """Return a text that roff prints as it is; hyphens may be copied from the page into a shell."""
    marked = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\`").replace("~", "\\(ti")
    plain = marked.replace("^", "\\(ha").replace("…", "\\&...").replace("'", "\\(aq")
    # A line that begins with a dot would be a request.
    return "\n".join(f"\\&{line}" if line.startswith(".") else line for line in plain.split("\n"))


def bold(text: str) -> str:
    """Return a text in bold letters."""
    return f"\\fB{escaped(text)}\\fR"


def heading(title: str) -> str:
    """Return the line that begins a section."""
    return f".SH {escaped(title).upper()}"


def subheading(title: str) -> str:
    """Return the line that begins a part of a section."""
    return f'.SS "{escaped(title)}"'


def paragraphs(text: str) -> list[str]:
    """Return the lines of a text whose paragraphs are parted by empty lines."""
    lines: list[str] = []
    for part in _PARAGRAPHS.split(text.strip()):
        # \b begins a paragraph that click does not wrap.
        words = " ".join(part.replace("\b", "").split())
        if words:
            lines.extend((".PP", escaped(words)))
    return lines


def definitions(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return the lines of a list of words and what they mean."""
    lines: list[str] = []
    for word, meaning in rows:
        lines.extend((".TP", bold(word), escaped(" ".join(meaning.split())) or "\\&"))
    return lines


def title_line(name: str, source: str) -> str:
    """Return the first request of a page.

    :param source: the package and its version
    """
    return f'.TH "{escaped(name.upper())}" "1" "" "{escaped(source)}" "User Commands"'
