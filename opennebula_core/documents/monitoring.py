"""MONITORING elements from what drivers report: plain XML, as the series keeps it.

Clients fail on a whole document when one of its numbers is none, so figures that are no numbers are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Final

from opennebula_core.documents.escape import escape_document
from opennebula_core.documents.fragments import element
from opennebula_core.model.expressions.requirement import read_number
from opennebula_core.model.template import Template, Vector

_DECIMALS: Final = (
    "CPU", "DISKRDBYTES", "DISKRDIOPS", "DISKWRBYTES", "DISKWRIOPS", "MEMORY", "NETRX", "NETTX",
)  # fmt: skip
_CAPACITY: Final = {
    "FREE_CPU": "FREECPU",
    "FREE_MEMORY": "FREEMEMORY",
    "USED_CPU": "USEDCPU",
    "USED_MEMORY": "USEDMEMORY",
}
_SYSTEM: Final = {"NETRX": "NETRX", "NETTX": "NETTX"}


def vm_monitoring(vm_id: int, timestamp: int, attributes: Template) -> str:
    """Return a VM's MONITORING element.

    :param attributes: CPU in percent of a core, MEMORY in KiB, NETRX, NETTX in bytes, DISK_SIZE vectors ...
    """
    shown = attributes.copy()
    for name in _DECIMALS:
        if name in shown:
            number = _number(shown.get(name))
            shown.remove(name)
            if number:
                shown.set(name, number)
    sizes = shown.vectors("DISK_SIZE")
    shown.remove("DISK_SIZE")
    for size in sizes:
        if size.get("ID", "").isdecimal() and size.get("SIZE", "").isdecimal():
            shown.add("DISK_SIZE", Vector(ID=size["ID"], SIZE=size["SIZE"]))
    shown.set("ID", str(vm_id))
    shown.set("TIMESTAMP", str(timestamp))
    return shown.to_xml("MONITORING")


def host_monitoring(host_id: int, timestamp: int, attributes: Template) -> str:
    """Return a host's MONITORING element.

    :param attributes: FREECPU, USEDCPU in percent, FREEMEMORY, USEDMEMORY in KiB, NETRX, NETTX in bytes
    """
    capacity = _section("CAPACITY", _CAPACITY, attributes)
    system = _section("SYSTEM", _SYSTEM, attributes)
    return f"<MONITORING><TIMESTAMP>{timestamp}</TIMESTAMP><ID>{host_id}</ID>{capacity}{system}</MONITORING>"


def render_monitoring_data(elements: Iterable[str]) -> str:
    """Return the document of the ``monitoring`` methods.

    :param elements: plain MONITORING elements
    """
    return element("MONITORING_DATA", escape_document("".join(elements)))


def _section(name: str, sources: dict[str, str], attributes: Template) -> str:
    inner = [
        f"<{shown}>{int(number)}</{shown}>"
        for shown, source in sources.items()
        if (number := read_number(attributes.get(source))) is not None and isfinite(number)
    ]
    return f"<{name}>{''.join(inner)}</{name}>" if inner else ""


def _number(value: str) -> str:
    """Return a figure if it is a number throughout, else nothing."""
    try:
        float(value)
    except ValueError:
        return ""
    return value if value.strip("+-.0123456789") == "" else ""
