from __future__ import annotations

from typing import Any

from tests.cli.shell import Shell


def snapshots(cloud: Shell, vm_id: int) -> list[dict[str, Any]]:
    found = cloud.document(f"onevm show {vm_id}")["VM"]["TEMPLATE"].get("SNAPSHOT", [])
    return list(found) if isinstance(found, list) else [found]


def test_snapshots_are_made_reverted_to_and_removed(cloud: Shell) -> None:
    vm_id = cloud.make("onevm create --cpu 0.1 --memory 32 --wait --timeout 60")

    assert cloud.make(f"onevm snapshot-create {vm_id} first --wait --timeout 60") == 0
    assert [each["NAME"] for each in snapshots(cloud, vm_id)] == ["first"]

    assert "first" in cloud.ok(f"onevm show {vm_id}")
    cloud.ok(f"onevm snapshot-revert {vm_id} 0 --wait --timeout 60")
    cloud.ok(f"onevm snapshot-delete {vm_id} 0 --wait --timeout 60")
    assert snapshots(cloud, vm_id) == []


def test_a_snapshot_that_is_not_there_is_refused(cloud: Shell) -> None:
    vm_id = cloud.make("onevm create --cpu 0.1 --memory 32 --wait --timeout 60")

    assert "Snapshot with ID 7 does not exist" in cloud.refused(f"onevm snapshot-revert {vm_id} 7")
