"""Marks in a VM's document of what a change is about: drivers look for them. Source: OpenNebula 6.10."""

from __future__ import annotations

from typing import Final

from opennebula_core.model.template import Vector

YES: Final = "YES"
ATTACHED: Final = "ATTACH"
"""A disk or NIC that is being plugged in, or out."""
RESIZED: Final = "RESIZE"
"""A disk that is being grown."""
SNAPPED: Final = "DISK_SNAPSHOT_ACTIVE"
"""A disk of which a snapshot is being made, reverted to or removed."""
SNAPPED_ID: Final = "DISK_SNAPSHOT_ID"
"""Number of that snapshot."""
SAVED: Final = "HOTPLUG_SAVE_AS_ACTIVE"
"""A disk that is being copied to an image."""
SAVE_AS: Final = "SAVE_AS"
"""The image's id."""
SAVE_AS_SOURCE: Final = "HOTPLUG_SAVE_AS_SOURCE"
"""Where the image is."""
SAVE_AS_PASSING: Final = "HOTPLUG_SAVE_AS_PASSING"
"""Whether the snapshot that is copied there was made for the copy, and goes with it."""
ACTIVE: Final = "ACTIVE"
"""A snapshot of the whole VM that is being made, reverted to or removed."""
_MARKS: Final = (
    ATTACHED,
    RESIZED,
    SNAPPED,
    SNAPPED_ID,
    SAVED,
    SAVE_AS,
    SAVE_AS_SOURCE,
    SAVE_AS_PASSING,
    ACTIVE,
)


def is_marked(vector: Vector, mark: str) -> bool:
    """Return whether a change is about this disk, NIC or snapshot."""
    return vector.get(mark) == YES


def remove_marks(vector: Vector) -> None:
    """Remove what would have a driver take this disk or NIC for the one that a change is about."""
    for mark in _MARKS:
        vector.pop(mark, None)
