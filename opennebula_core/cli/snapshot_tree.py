"""Snapshots of a disk or an image as a tree: each behind the one it was made from, and further in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.cli.columns import KIB_PER_MIB, Column, figure, lay_out, number, size
from opennebula_core.cli.quantities import moment_text
from opennebula_core.cli.showing import table

_STEP: Final = "  "


def print_snapshots(title: str, snapshots: Element) -> None:
    """Print a section with the snapshots in a SNAPSHOTS of a document; nothing when there are none."""
    placed = dict(_placed(snapshots.findall("SNAPSHOT")))
    table(title, _columns(placed), list(placed))


def snapshot_lines(snapshots: list[Element]) -> list[str]:
    """Return the lines of a table of snapshots."""
    placed = dict(_placed(snapshots))
    columns = _columns(placed)
    return lay_out(columns, [[column.read(item) for column in columns] for item in placed])


def _columns(placed: Mapping[Element, int]) -> tuple[Column, ...]:
    """Return the columns of a table of snapshots that are that deep in the tree."""
    return (
        number("ID", "ID"),
        Column("NAME", lambda item: _STEP * placed[item] + (item.findtext("NAME") or "-")),
        number("PARENT", "PARENT"),
        Column("ACTIVE", lambda item: item.findtext("ACTIVE") or "-"),
        size("SIZE", "SIZE", kib=KIB_PER_MIB),
        Column("TIME", lambda item: moment_text(int(figure(item, "DATE")))),
    )


def _placed(snapshots: list[Element]) -> Iterator[tuple[Element, int]]:
    """Yield the snapshots in the order of the tree, each with its depth."""
    ids = {each.findtext("ID", "") for each in snapshots}
    children: dict[str, list[Element]] = {}
    for each in snapshots:
        parent = each.findtext("PARENT", "")
        children.setdefault(parent if parent in ids else "", []).append(each)
    waiting = [(each, 0) for each in reversed(children.get("", []))]
    while waiting:
        item, depth = waiting.pop()
        yield item, depth
        behind = children.pop(item.findtext("ID", ""), [])
        waiting.extend((each, depth + 1) for each in reversed(behind))
