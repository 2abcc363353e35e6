"""Numbers in documents and templates: what users write may be empty or no number at all."""

from __future__ import annotations

from math import isfinite


def number(text: str, default: float = 0.0) -> float:
    """Return the number that ``text`` holds, ``default`` when it holds none."""
    try:
        value = float(text)
    except ValueError:
        return default
    return value if isfinite(value) else default


def whole_number(text: str, default: int = 0) -> int:
    """Return the whole number that ``text`` holds, ``default`` when it holds none."""
    try:
        return int(text)
    except ValueError:
        return int(number(text, default))
