r"""Shell patterns (``*``, ``?``, ``[a-z]``, ``[!x]``, ``\`` as escape) as regular expressions.

Source: POSIX fnmatch without flags, which is what OpenNebula's expressions use.
"""

from __future__ import annotations

import re
from functools import lru_cache

_CLASS = re.compile(r"\[([!^]?)(\]?(?:\\.|[^\]\\])*+)\]", re.DOTALL)
_RANGE = re.compile(r"(\\?.)(?:-(\\?[^\\]))?", re.DOTALL)


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Return the expression that matches a whole text as the shell pattern does, case sensitive."""
    first, *others = _segments(pattern)
    if not others:
        return re.compile(first + r"\Z", re.DOTALL)
    # Behind a star the earliest place where the next segment fits is as good as any later one, so the choice
    # is never taken back: a hostile pattern costs no more than its length times the text's.
    middle = "".join(f"(?>.*?{segment})" for segment in others[:-1] if segment)
    return re.compile(rf"{first}{middle}.*{others[-1]}\Z", re.DOTALL)


def _segments(pattern: str) -> list[str]:
    segments = [""]
    offset = 0
    while offset < len(pattern):
        character = pattern[offset]
        if character == "*":
            segments.append("")
            offset += 1
        else:
            piece, offset = _piece(pattern, offset)
            segments[-1] += piece
    return segments


def _piece(pattern: str, offset: int) -> tuple[str, int]:
    character = pattern[offset]
    if character == "?":
        return ".", offset + 1
    if character == "\\" and offset + 1 < len(pattern):
        return re.escape(pattern[offset + 1]), offset + 2
    if character == "[" and pattern.find("]", offset) > 0 and (found := _CLASS.match(pattern, offset)):
        return _character_class(found[1], found[2]), found.end()
    return re.escape(character), offset + 1


def _character_class(negation: str, content: str) -> str:
    parts = []
    for first, last in _RANGE.findall(content):
        low, high = first[-1], last[-1:] or first[-1]
        if low <= high:  # a range the wrong way round matches nothing
            parts.append(f"{re.escape(low)}-{re.escape(high)}")
    if not parts:
        return "." if negation else r"(?!)"
    return f"[{'^' if negation else ''}{''.join(parts)}]"
