from __future__ import annotations

from opennebula_core.model.disk_snapshots import DiskSnapshots, forget_snapshots
from opennebula_core.model.template import Template


def test_children_of_a_removed_snapshot_are_their_grandparents() -> None:
    template = Template.parse("DISK=[DISK_ID=3,SIZE=10]\nDISK=[DISK_ID=4,SIZE=1]")
    disk, other = template.vectors("DISK")
    snapshots = DiskSnapshots(template, disk)
    for number in range(3):
        assert snapshots.make(f"s{number}", 100 + number) == number
        snapshots.go_on_from(number)
    DiskSnapshots(template, other).make("of another disk", 1)

    snapshots.remove(1)

    assert [(each["ID"], each["PARENT"]) for each in snapshots.all()] == [("0", "-1"), ("2", "0")]
    assert (snapshots.current, disk["DISK_SNAPSHOT_TOTAL_SIZE"]) == (2, "20")
    assert other["DISK_SNAPSHOT_TOTAL_SIZE"] == "1"
    assert snapshots.make("next", 0) == 3


def test_nothing_is_left_of_forgotten_snapshots() -> None:
    template = Template.parse("DISK=[DISK_ID=0,SIZE=10]")
    DiskSnapshots(template, template.vectors("DISK")[0]).make("x", 0)

    forget_snapshots(template)

    assert template.names() == ["DISK"]
    assert template.vectors("DISK")[0]["DISK_SNAPSHOT_TOTAL_SIZE"] == "0"
