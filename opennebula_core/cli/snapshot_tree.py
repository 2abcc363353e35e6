"""Snapshots of a disk or an image as a tree: each behind the one it was made from, one step further in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.cli.columns import KIB_PER_MIB, Column, figure, number, size
from opennebula_core.cli.quantities import moment_text
from opennebula_core.cli.showing import table

_STEP: Final = "  "


def snapshot_tree(title: str, snapshots: Element) -> None:
    """Print the snapshots in a SNAPSHOTS of a document; nothing when there are none."""
    placed = dict(_placed(snapshots.findall("SNAPSHOT")))
    columns = (
        number("ID", "ID"),
        Column("NAME", lambda item: _STEP * placed[item] + (item.findtext("NAME") or "-")),
        number("PARENT", "PARENT"),
        Column("ACTIVE", lambda item: item.findtext("ACTIVE") or "-"),
        size("SIZE", "SIZE", kib=KIB_PER_MIB),
        Column("TIME", lambda item: moment_text(int(figure(item, "DATE")))),
    )
    table(title, columns, list(placed))


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
