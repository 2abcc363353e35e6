"""What users and groups have in use and may use, as tables of ``show``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.cli.columns import KIB_PER_MIB, Column, number
from opennebula_core.cli.quantities import size_text
from opennebula_core.cli.showing import table
from opennebula_core.model.quotas import DEFAULT, METRICS, Resource

NO_LIMIT: Final = "-"
_EXEMPT: Final = "0"
_USED: Final = "_USED"


def quota_tables(item: Element) -> None:
    """Print use and limits of a user or a group; a limit that is left to the default shows that."""
    vms = list(effective(item, Resource.VM))
    table(
        "VMs usage & quotas",
        (
            _of("VMS", "VMS"),
            _of("MEMORY", "MEMORY", is_size=True),
            _of("CPU", "CPU"),
            _of("SYSTEM_DISK_SIZE", "SYSTEM_DISK_SIZE", is_size=True),
        ),
        vms,
    )
    running = (
        _of("RUNNING VMS", "RUNNING_VMS"),
        _of("RUNNING MEMORY", "RUNNING_MEMORY", is_size=True),
        _of("RUNNING CPU", "RUNNING_CPU"),
    )
    table("VMs usage & quotas - running", running, vms)
    images = (number("ID", "ID"), _of("IMAGES", "IMAGES"), _of("SIZE", "SIZE", is_size=True))
    table("datastore usage & quotas", images, list(effective(item, Resource.DATASTORE)))
    leases = (number("ID", "ID"), _of("LEASES", "LEASES"))
    table("network usage & quotas", leases, list(effective(item, Resource.NETWORK)))
    users = (number("ID", "ID"), _of("RUNNING VMS", "RVMS"))
    table("image usage & quotas", users, list(effective(item, Resource.IMAGE)))


def effective(item: Element, resource: Resource) -> Iterator[Element]:
    """Return the entries of a resource, by id, with the limits that hold; those of defaults alone, too."""
    path = f"{resource}_QUOTA/{resource}"
    own = {entry.findtext("ID", ""): entry for entry in item.iterfind(path)}
    defaults: dict[str, Element] = {}
    if item.findtext("ID") != _EXEMPT:
        defaults = {
            entry.findtext("ID", ""): entry for entry in item.iterfind(f"DEFAULT_{item.tag}_QUOTAS/{path}")
        }
    for which in sorted({*own, *defaults}, key=lambda text: int(text or 0)):
        yield _merged(resource, which, own.get(which), defaults.get(which))


def _merged(resource: Resource, which: str, own: Element | None, default: Element | None) -> Element:
    entry = Element(resource.value)
    entry.append(_leaf("ID", which))
    for metric in METRICS[resource]:
        limit = _text(own, metric.name, str(DEFAULT))
        if float(limit) == DEFAULT:
            limit = _text(default, metric.name, limit)
        entry.append(_leaf(metric.name, limit))
        entry.append(_leaf(metric.name + _USED, _text(own, metric.name + _USED, "0")))
    return entry


def _text(entry: Element | None, name: str, otherwise: str) -> str:
    return (entry.findtext(name) if entry is not None else None) or otherwise


def _leaf(name: str, text: str) -> Element:
    leaf = Element(name)
    leaf.text = text
    return leaf


def _of(title: str, name: str, *, is_size: bool = False) -> Column:
    """Return a column such as ``1 / 4``, or ``1 / -`` without a limit."""

    def shown(text: str) -> str:
        return size_text(float(text) * KIB_PER_MIB) if is_size else text

    def read(entry: Element) -> str:
        limit = _text(entry, name, str(DEFAULT))
        most = shown(limit) if float(limit) >= 0 else NO_LIMIT
        return f"{shown(_text(entry, name + _USED, '0'))} / {most}"

    return Column(title, read, is_numeric=True)
