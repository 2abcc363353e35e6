"""Snapshots that images keep, with drivers that are slow, fail, or die."""

from __future__ import annotations

from pathlib import Path

import pytest

from opennebula_core.db import maintenance
from opennebula_core.errors import ActionError
from opennebula_core.model.disk_snapshots import Snapshots
from opennebula_core.model.states import ImageState, LcmState, VmState
from opennebula_core.testing.cloud import running_cloud

from ..estate import Estate, running_estate

pytestmark = pytest.mark.asyncio(loop_scope="module")
S, V = ImageState, VmState


async def snapped(estate: Estate, name: str, count: int = 2) -> int:
    """Return a persistent image with snapshots, each made from the one before."""
    image_id = await estate.cloud.add_image(name)
    await estate.cloud.call("one.image.persistent", image_id, True)
    vm_id = await estate.cloud.run_vm(estate.here, f"DISK=[IMAGE_ID={image_id}]")
    await estate.cloud.act("poweroff", vm_id)
    await estate.cloud.settle(vm_id, V.POWEROFF)
    for number in range(count):
        await estate.cloud.call("one.vm.disksnapshotcreate", vm_id, 0, f"s{number}")
        await estate.cloud.settle(vm_id, V.POWEROFF)
    await estate.cloud.act("terminate", vm_id)
    await estate.cloud.settle(vm_id, V.DONE)
    return image_id


async def reach(estate: Estate, image_id: int, state: ImageState) -> None:
    await estate.cloud.until(
        lambda: estate.cloud.image(image_id).state is state, lambda: f"{estate.cloud.image(image_id).state!r}"
    )


async def change(estate: Estate, what: str, image_id: int, snapshot_id: int) -> None:
    assert await estate.cloud.new(f"one.image.snapshot{what}", image_id, snapshot_id) == image_id
    assert estate.cloud.image(image_id).state is S.LOCKED
    document = await estate.cloud.document("one.image.info", image_id)
    assert document.findtext("TARGET_SNAPSHOT") == str(snapshot_id)
    await reach(estate, image_id, S.READY)


def tree(estate: Estate, image_id: int) -> list[tuple[str, str]]:
    return [(each["ID"], each["PARENT"]) for each in Snapshots(estate.cloud.image(image_id).snapshots).all()]


async def test_they_are_reverted_to_removed_and_flattened(estate: Estate) -> None:
    image_id = await snapped(estate, "changing", count=3)
    size = estate.cloud.image(image_id).size_mb
    with pytest.raises(ActionError, match="Cannot delete the active snapshot"):
        await estate.cloud.call("one.image.snapshotdelete", image_id, 2)
    with pytest.raises(ActionError, match="with children"):
        await estate.cloud.call("one.image.snapshotdelete", image_id, 1)
    await change(estate, "revert", image_id, 0)
    assert Snapshots(estate.cloud.image(image_id).snapshots).current == 0
    await change(estate, "delete", image_id, 2)
    assert tree(estate, image_id) == [("0", "-1"), ("1", "0")]
    assert estate.cloud.image(image_id).snapshots_mb == 2 * size
    await change(estate, "flatten", image_id, 1)
    image = estate.cloud.image(image_id)
    assert (tree(estate, image_id), image.snapshots_mb, image.target_snapshot) == ([], 0, -1)
    assert maintenance.check(estate.cloud.location / "var" / "one.db") == []
    await estate.cloud.call("one.image.persistent", image_id, False)


@pytest.mark.parametrize("what", ["delete", "revert", "flatten"])
async def test_what_fails_changes_nothing_and_says_why(estate: Estate, what: str) -> None:
    image_id = await snapped(estate, f"failing to {what}")
    await estate.cloud.call("one.image.snapshotrevert", image_id, 0)
    await reach(estate, image_id, S.READY)
    before = estate.cloud.image(image_id).snapshots
    await estate.fail(f"datastore/SNAP_{what.upper()}", "no room")
    await change(estate, what, image_id, 1)
    image = estate.cloud.image(image_id)
    assert image.snapshots == before
    assert "no room" in image.template.get("ERROR")
    estate.cloud.behave()
    await change(estate, what, image_id, 1)
    assert "ERROR" not in estate.cloud.image(image_id).template


async def test_what_is_used_or_not_there_is_refused(estate: Estate) -> None:
    image_id = await snapped(estate, "in use")
    with pytest.raises(ActionError, match=f"Snapshot 7 does not exist in image {image_id}"):
        await estate.cloud.call("one.image.snapshotrevert", image_id, 7)
    vm_id = await estate.cloud.add_vm(f"DISK=[IMAGE_ID={image_id}]")
    for what in ("delete snapshot", "revert to snapshot", "flatten snapshot"):
        method = f"one.image.snapshot{what.split()[0]}"
        with pytest.raises(ActionError, match=f"Cannot {what} in state USED_PERS"):
            await estate.cloud.call(method, image_id, 0)
    await estate.cloud.act("terminate", vm_id)
    await estate.cloud.settle(vm_id, V.DONE)


async def test_a_vm_waits_for_it_and_then_has_what_is_left(estate: Estate) -> None:
    image_id = await snapped(estate, "waited for")
    estate.cloud.behave({"datastore/SNAP_FLATTEN": {"delay_s": 0.3}})
    await estate.cloud.call("one.image.snapshotflatten", image_id, 0)
    vm_id = await estate.cloud.add_vm(f"DISK=[IMAGE_ID={image_id}]", hold=False)
    assert estate.place(vm_id) == (V.CLONING, LcmState.LCM_INIT)
    await estate.cloud.settle(vm_id, V.PENDING)
    vm = estate.cloud.vm(vm_id)
    assert vm.template.vectors("DISK_SNAPSHOT") == []
    assert vm.template.vectors("DISK")[0]["DISK_SNAPSHOT_TOTAL_SIZE"] == "0"
    assert estate.cloud.image(image_id).state is S.USED_PERS


async def test_it_is_done_after_the_core_has_died_and_given_up_when_the_image_goes(tmp_path: Path) -> None:
    async with running_estate(tmp_path) as first:
        image_id, other_id = await snapped(first, "kept on"), await snapped(first, "to go")
        first.cloud.behave({"datastore/SNAP_FLATTEN": {"hang": True}})
        for each in (image_id, other_id):
            await first.cloud.call("one.image.snapshotflatten", each, 1)
        await first.cloud.call("one.image.delete", other_id, True)
        await first.cloud.until(
            lambda: first.cloud.daemon.store.read(lambda tx: tx.images.find(other_id)) is None, "its end"
        )
    async with running_cloud(tmp_path) as again:
        again.behave()
        await again.until(lambda: again.image(image_id).state is S.READY, "the image")
        assert Snapshots(again.image(image_id).snapshots).all() == []
