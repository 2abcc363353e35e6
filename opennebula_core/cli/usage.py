"""Columns of what users and groups have in use, as their quotas count it."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from opennebula_core.cli.columns import KIB_PER_MIB, Column, figure
from opennebula_core.cli.quantities import bytes_text, number_text, size_text

NOTHING_KNOWN = "-"
_LEAST_LIMIT = 0
"""Smaller numbers are no limits: -1 is the default's, -2 none."""


def _used(name: str, attribute: str, *, is_size: bool = False) -> Column:
    used, limit = f"VM_QUOTA/VM/{attribute}_USED", f"VM_QUOTA/VM/{attribute}"

    def shown(amount: float) -> str:
        return size_text(amount * KIB_PER_MIB) if is_size else f"{amount:g}"

    def read(item: Element) -> str:
        if item.find("VM_QUOTA/VM") is None:
            return NOTHING_KNOWN
        allowed = figure(item, limit) if item.findtext(limit) else -1
        most = shown(allowed) if allowed >= _LEAST_LIMIT else NOTHING_KNOWN
        return f"{shown(figure(item, used))} / {most}"

    def amount(item: Element) -> float:
        return figure(item, used) * (KIB_PER_MIB if is_size else 1)

    def raw(item: Element) -> str:
        return bytes_text(amount(item)) if is_size else number_text(amount(item))

    return Column(name, read, amount, is_numeric=True, raw=raw)


USAGE = (_used("VMS", "VMS"), _used("MEMORY", "MEMORY", is_size=True), _used("CPU", "CPU"))
