"""Whole numbers in texts that users write: plain digits, and within what a store and a document can hold."""

from __future__ import annotations

import re
from typing import Final

MAX_ID: Final = (1 << 31) - 1
"""Ids are ``int`` in OpenNebula's API."""
MAX_MIB: Final = 1 << 40
"""An EiB of disk: sums of thousands of them still fit into 64 bits."""

_DIGITS = re.compile(r"[0-9]{1,18}")
_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{0,12})?|\.[0-9]{1,12}")


def whole_number(text: str, highest: int = MAX_ID) -> int | None:
    """Return the number from 0 to ``highest`` that a text is, None when it is none."""
    if not _DIGITS.fullmatch(text):
        return None
    number = int(text)
    return number if number <= highest else None


def decimal_number(text: str) -> float | None:
    """Return the number that a text of digits with at most one point is, None when it is none."""
    return float(text) if _DECIMAL.fullmatch(text) else None
