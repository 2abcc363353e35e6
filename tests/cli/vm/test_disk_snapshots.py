from __future__ import annotations

from typing import Any

from tests.cli.shell import Shell


def snapshots(cloud: Shell, vm_id: int) -> list[dict[str, Any]]:
    found = cloud.document(f"onevm show {vm_id}")["VM"].get("SNAPSHOTS", [])
    disks = found if isinstance(found, list) else [found]
    inner = disks[0]["SNAPSHOT"] if disks else []
    return list(inner) if isinstance(inner, list) else [inner]


def test_snapshots_of_a_disk_are_made_reverted_to_renamed_and_removed(cloud: Shell) -> None:
    vm_id = cloud.make("onevm create --cpu 0.1 --memory 32 --disk :TYPE=fs:SIZE=8 --wait --timeout 60")
    cloud.ok(f"onevm poweroff {vm_id} --wait --timeout 60")

    assert cloud.make(f"onevm disk-snapshot-create {vm_id} 0 first --wait --timeout 60") == 0
    assert cloud.make(f"onevm disk-snapshot-create {vm_id} 0 --wait --timeout 60") == 1
    shown = cloud.ok(f"onevm show {vm_id}")
    assert "snapshots of disk 0" in shown.lower()
    assert "first" in shown
    cloud.ok(f"onevm disk-snapshot-revert {vm_id} 0 0 --wait --timeout 60")
    cloud.ok(f"onevm disk-snapshot-delete {vm_id} 0 1 --wait --timeout 60")
    cloud.ok(f"onevm disk-snapshot-rename {vm_id} 0 0 base")

    assert [each["NAME"] for each in snapshots(cloud, vm_id)] == ["base"]
    assert "is active" in cloud.refused(f"onevm disk-snapshot-delete {vm_id} 0 0")
