"""Sizes, times and shares as people read them."""

from __future__ import annotations

import re
import time
from typing import Final

_UNITS: Final = "KMGTPE"
_QUANTITY = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*([KMGTPE]?)(?:i?B)?\s*", re.IGNORECASE)
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


def size_text(kib: float) -> str:
    """Return a size in KiB with the unit that keeps it short, such as ``1.8G``."""
    value = float(kib)
    for unit in _UNITS:
        if abs(value) < 1000 or unit == _UNITS[-1]:
            break
        value /= 1024
    return f"{value:.1f}{unit}" if abs(value) < 10 and value != int(value) else f"{value:.0f}{unit}"


def kib_of(text: str) -> float:
    """Return the KiB that a size such as ``512M`` or ``2 GiB`` means; a plain number is MiB.

    :raises ValueError: it is no size
    """
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no size; write a number and K, M, G or T")
    number, unit = float(found[1]), (found[2] or "M").upper()
    return float(number * 1024 ** _UNITS.index(unit))


def mib_of(text: str) -> int:
    """Return the whole MiB that a size such as ``2G`` means; a plain number is MiB.

    :raises ValueError: it is no size, or no whole number of MiB above 0
    """
    mib = kib_of(text) / 1024
    if mib != int(mib) or mib <= 0:
        raise ValueError(f"{text!r} is no whole number of MiB above 0")
    return int(mib)


def period_text(seconds: float) -> str:
    """Return a period as in ``3d 04h12``."""
    whole = max(int(seconds), 0)
    return f"{whole // _DAY_S}d {whole % _DAY_S // _HOUR_S:02d}h{whole % _HOUR_S // _MINUTE_S:02d}"


def moment_text(epoch: int) -> str:
    """Return a moment in local time, ``-`` for one that has not come."""
    return time.strftime("%m/%d %H:%M:%S", time.localtime(epoch)) if epoch > 0 else "-"


def date_text(epoch: int) -> str:
    """Return a moment with its year, ``-`` for one that has not come."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(epoch)) if epoch > 0 else "-"


def bytes_text(kib: float) -> str:
    """Return a size in KiB as a number of bytes, for programs."""
    return str(round(kib * 1024))


def iso_text(epoch: int) -> str:
    """Return a moment for programs, in ISO 8601 and UTC; empty for one that has not come."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch)) if epoch > 0 else ""


def number_text(value: float) -> str:
    """Return a number for programs, without the ``.0`` of whole ones."""
    return str(int(value)) if value == int(value) else repr(value)


def share_text(used: str, total: str, percent: float | None) -> str:
    """Return a use of a whole, such as ``1.2G / 3.8G (31%)``."""
    return f"{used} / {total}" + (f" ({percent:.0f}%)" if percent is not None else "")


def percent_of(used: float, total: float) -> float | None:
    """Return the share in percent, None of nothing."""
    return used * 100 / total if total > 0 else None
