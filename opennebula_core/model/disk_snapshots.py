"""Snapshots of single disks, as a VM's template keeps them: hidden there, shown as SNAPSHOTS of the document.

``DISK_SNAPSHOTS`` says for a disk which snapshot it goes on from and which number the next one gets;
``DISK_SNAPSHOT`` is one snapshot. Source of the fields: SNAPSHOTS of OpenNebula 6.10.
"""

from __future__ import annotations

from typing import Final

from opennebula_core.model.template import Template, Vector

ONE: Final = "DISK_SNAPSHOT"
STATE: Final = "DISK_SNAPSHOTS"
HIDDEN: Final = (ONE, STATE)
TOTAL_SIZE: Final = "DISK_SNAPSHOT_TOTAL_SIZE"
NONE: Final = -1
"""What a disk goes on from that was never snapped."""


class DiskSnapshots:
    """The snapshots of one disk; changes are made in the template."""

    def __init__(self, template: Template, disk: Vector) -> None:
        self._template = template
        self._disk = disk
        self.disk_id = disk["DISK_ID"]

    def all(self) -> list[Vector]:
        """Return them, oldest first."""
        return [each for each in self._template.vectors(ONE) if each["DISK_ID"] == self.disk_id]

    def find(self, snapshot_id: int) -> Vector | None:
        """Return one."""
        return next((each for each in self.all() if each["ID"] == str(snapshot_id)), None)

    def _state(self) -> Vector | None:
        states = (each for each in self._template.vectors(STATE) if each["DISK_ID"] == self.disk_id)
        return next(states, None)

    @property
    def current(self) -> int:
        """The snapshot that the disk goes on from."""
        state = self._state()
        return int(state["CURRENT_BASE"]) if state is not None else NONE

    def go_on_from(self, snapshot_id: int) -> None:
        """Note that the disk goes on from another snapshot."""
        state = self._state()
        if state is not None:
            state["CURRENT_BASE"] = str(snapshot_id)

    def add(self, name: str, now: int) -> int:
        """Add one of the disk as it is, from which it does not go on yet; return its id."""
        state = self._state()
        if state is None:
            self._template.add(
                STATE, {"DISK_ID": self.disk_id, "CURRENT_BASE": str(NONE), "NEXT_SNAPSHOT": "0"}
            )
            state = self._template.vectors(STATE)[-1]
        snapshot_id = int(state["NEXT_SNAPSHOT"])
        state["NEXT_SNAPSHOT"] = str(snapshot_id + 1)
        fields = {"DISK_ID": self.disk_id, "ID": str(snapshot_id), "NAME": name, "DATE": str(now)}
        more = {"PARENT": str(self.current), "SIZE": self._disk.get("SIZE", "0")}
        self._template.add(ONE, {**fields, **more})
        self._count()
        return snapshot_id

    def remove(self, snapshot_id: int) -> None:
        """Remove one; those that were made from it are its parent's now."""
        gone = self.find(snapshot_id)
        if gone is None:
            return
        for child in self.children(snapshot_id):
            child["PARENT"] = gone["PARENT"]
        self._template.discard(ONE, gone)
        self._count()

    def children(self, snapshot_id: int) -> list[Vector]:
        """Return those that were made while the disk went on from a snapshot."""
        return [each for each in self.all() if each["PARENT"] == str(snapshot_id)]

    def _count(self) -> None:
        self._disk[TOTAL_SIZE] = str(sum(int(each["SIZE"]) for each in self.all()))


def forget_snapshots(template: Template) -> None:
    """Remove the snapshots of all disks: the disks are made anew."""
    for name in HIDDEN:
        template.remove(name)
    for disk in template.vectors("DISK"):
        if TOTAL_SIZE in disk:
            disk[TOTAL_SIZE] = "0"
