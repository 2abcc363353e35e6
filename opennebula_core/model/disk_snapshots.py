"""Snapshots of single disks: those of a VM's disks, and those that a persistent image keeps between its VMs.

A template holds them: ``DISK_SNAPSHOTS`` says for a disk which snapshot it goes on from and which number the
next one gets; ``DISK_SNAPSHOT`` is one snapshot. In a VM's template both name their disk, and are hidden
there; documents show them as SNAPSHOTS. Source of the fields: SNAPSHOTS of OpenNebula 6.10.
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
_DISK_ID: Final = "DISK_ID"
_ORPHANS: Final = "ALLOW_ORPHANS"


class Snapshots:
    """The snapshots of one disk or image; changes are made in the template.

    :param disk_id: empty for those of an image, which has a template of its own for them
    """

    def __init__(self, template: Template, disk_id: str = "") -> None:
        self._template = template
        self.disk_id = disk_id

    def _is_own(self, vector: Vector) -> bool:
        return vector.get(_DISK_ID, "") == self.disk_id

    def all(self) -> list[Vector]:
        """Return them, oldest first."""
        return [each for each in self._template.vectors(ONE) if self._is_own(each)]

    def find(self, snapshot_id: int) -> Vector | None:
        """Return one."""
        return next((each for each in self.all() if each["ID"] == str(snapshot_id)), None)

    def state(self) -> Vector | None:
        """Return what is known of the disk apart from its snapshots, None if it has had none."""
        return next((each for each in self._template.vectors(STATE) if self._is_own(each)), None)

    @property
    def current(self) -> int:
        """The snapshot that the disk goes on from."""
        state = self.state()
        return int(state["CURRENT_BASE"]) if state is not None else NONE

    @property
    def next_id(self) -> int:
        """The number that the next snapshot gets; none is used twice."""
        state = self.state()
        return int(state["NEXT_SNAPSHOT"]) if state is not None else 0

    @property
    def total_mib(self) -> int:
        """What they take together."""
        return sum(int(each["SIZE"]) for each in self.all())

    @property
    def allows_orphans(self) -> bool:
        """Whether one may be removed that others were made from, as the image's datastore said."""
        state = self.state()
        return state is not None and state.get(_ORPHANS, "NO").upper() != "NO"

    def go_on_from(self, snapshot_id: int) -> None:
        """Note that the disk goes on from another snapshot."""
        state = self.state()
        if state is not None:
            state["CURRENT_BASE"] = str(snapshot_id)

    def add(self, name: str, now: int, size_mib: int) -> int:
        """Add one of the disk as it is, from which it does not go on yet; return its id."""
        of_disk = {_DISK_ID: self.disk_id} if self.disk_id else {}
        state = self.state()
        if state is None:
            self._template.add(STATE, {**of_disk, "CURRENT_BASE": str(NONE), "NEXT_SNAPSHOT": "0"})
            state = self._template.vectors(STATE)[-1]
        snapshot_id = int(state["NEXT_SNAPSHOT"])
        state["NEXT_SNAPSHOT"] = str(snapshot_id + 1)
        fields = {**of_disk, "ID": str(snapshot_id), "NAME": name, "DATE": str(now)}
        self._template.add(ONE, {**fields, "PARENT": str(self.current), "SIZE": str(size_mib)})
        return snapshot_id

    def remove(self, snapshot_id: int) -> None:
        """Remove one; those that were made from it are its parent's now."""
        gone = self.find(snapshot_id)
        if gone is None:
            return
        for child in self.children(snapshot_id):
            child["PARENT"] = gone["PARENT"]
        self._template.discard(ONE, gone)

    def remove_all(self) -> None:
        """Remove all of them: the disk goes on from none. Numbers go on where they were."""
        for each in self.all():
            self._template.discard(ONE, each)
        self.go_on_from(NONE)

    def children(self, snapshot_id: int) -> list[Vector]:
        """Return those that were made while the disk went on from a snapshot."""
        return [each for each in self.all() if each["PARENT"] == str(snapshot_id)]


class DiskSnapshots(Snapshots):
    """The snapshots of a VM's disk, whose DISK says what they take together."""

    def __init__(self, template: Template, disk: Vector) -> None:
        super().__init__(template, disk["DISK_ID"])
        self.disk = disk

    def make(self, name: str, now: int) -> int:
        """Add one as large as the disk; see :meth:`add`."""
        snapshot_id = self.add(name, now, int(self.disk.get("SIZE", "0")))
        self._count()
        return snapshot_id

    def remove(self, snapshot_id: int) -> None:
        """Remove one; see :meth:`Snapshots.remove`."""
        super().remove(snapshot_id)
        self._count()

    def _count(self) -> None:
        self.disk[TOTAL_SIZE] = str(self.total_mib)

    def take_from(self, kept: Template) -> None:
        """Have the disk the snapshots that its persistent image keeps, and no others."""
        for name in HIDDEN:
            for old in filter(self._is_own, self._template.vectors(name)):
                self._template.discard(name, old)
            for vector in kept.vectors(name):
                fields = {key: value for key, value in vector.items() if key != _ORPHANS}
                self._template.add(name, {_DISK_ID: self.disk_id, **fields})
        self._count()

    def kept(self) -> Template:
        """Return them as the disk's persistent image keeps them."""
        template = Template()
        for name in HIDDEN:
            for vector in filter(self._is_own, self._template.vectors(name)):
                template.add(name, {key: value for key, value in vector.items() if key != _DISK_ID})
        for state in template.vectors(STATE):
            state[_ORPHANS] = self.disk.get(_ORPHANS, "NO")
        return template


def forget_snapshots(template: Template) -> None:
    """Remove the snapshots of all disks: the disks are made anew."""
    for name in HIDDEN:
        template.remove(name)
    for disk in template.vectors("DISK"):
        if TOTAL_SIZE in disk:
            disk[TOTAL_SIZE] = "0"
