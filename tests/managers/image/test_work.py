"""Images on their way into a datastore and out of it, with drivers that are slow or fail."""

from __future__ import annotations

from functools import partial

import pytest

from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.errors import ActionError, AllocateError
from opennebula_core.model.states import DatastoreState, ImageState, ImageType, VmState

from ..estate import Estate

pytestmark = pytest.mark.asyncio(loop_scope="module")
S = ImageState


async def begin(estate: Estate, text: str) -> int:
    return await estate.cloud.new("one.image.allocate", text, estate.cloud.datastore_id)


async def reach(estate: Estate, image_id: int, state: ImageState) -> None:
    await estate.cloud.until(
        lambda: estate.cloud.image(image_id).state is state, lambda: f"{estate.cloud.image(image_id).state!r}"
    )


def is_gone(estate: Estate, image_id: int) -> bool:
    def read(tx: Snapshot) -> bool:
        return tx.images.find(image_id) is None

    return estate.cloud.daemon.store.read(read)


async def test_a_datablock_is_made_of_nothing(estate: Estate) -> None:
    image_id = await begin(estate, "NAME=data\nTYPE=DATABLOCK\nSIZE=128\nFS=ext4\nFORMAT=qcow2")
    await reach(estate, image_id, S.READY)
    image = estate.cloud.image(image_id)
    assert (image.size_mb, image.fs) == (128, "ext4")
    assert image.source


async def test_a_path_that_is_not_there_is_refused_at_once(estate: Estate) -> None:
    await estate.fail("datastore/STAT", "no such file")
    with pytest.raises(AllocateError, match=r"Cannot determine Image SIZE.*no such file"):
        await begin(estate, "NAME=missing\nPATH=/nowhere")


@pytest.mark.parametrize(
    "text", ["NAME=empty", "NAME=empty\nTYPE=DATABLOCK\nSIZE=0", "NAME=empty\nTYPE=OS\nSIZE=5"]
)
async def test_an_image_of_nothing_is_refused(estate: Estate, text: str) -> None:
    with pytest.raises(AllocateError, match="No PATH in template"):
        await begin(estate, text)


async def test_an_image_that_could_not_be_copied_says_why_and_can_be_deleted(estate: Estate) -> None:
    await estate.fail("datastore/CP", "disk full")
    image_id = await begin(estate, "NAME=bad\nPATH=/any")
    await reach(estate, image_id, S.ERROR)
    assert "disk full" in estate.cloud.image(image_id).template.get("ERROR")
    await estate.cloud.call("one.image.delete", image_id)
    await estate.cloud.until(lambda: is_gone(estate, image_id), "its end")


async def test_an_image_that_is_being_made_is_deleted_only_by_force(estate: Estate) -> None:
    estate.cloud.behave({"datastore/CP": {"hang": True}})
    image_id = await begin(estate, "NAME=slow\nPATH=/any")
    with pytest.raises(ActionError, match="being made"):
        await estate.cloud.call("one.image.delete", image_id)
    await estate.cloud.call("one.image.delete", image_id, True)
    await estate.cloud.until(lambda: is_gone(estate, image_id), "its end")
    drivers = estate.cloud.daemon.pool.status()
    await estate.cloud.until(
        lambda: (
            not any(each.in_flight for each in estate.cloud.daemon.pool.status() if each.kind == "datastore")
        ),
        f"nothing in flight: {drivers}",
    )


async def test_a_copy_is_made_while_the_original_stays(estate: Estate) -> None:
    source = await estate.cloud.add_image("original")
    estate.cloud.behave({"datastore/CLONE": {"delay_s": 0.3}})
    copy = await estate.cloud.new("one.image.clone", source, "copy")
    assert (estate.cloud.image(source).state, estate.cloud.image(source).cloning_ops) == (S.CLONE, 1)
    with pytest.raises(ActionError, match="1 copies being made"):
        await estate.cloud.call("one.image.delete", source)
    await reach(estate, copy, S.READY)
    assert (estate.cloud.image(source).state, estate.cloud.image(source).cloning_ops) == (S.READY, 0)
    assert estate.cloud.image(copy).cloning_id == -1


async def test_a_copy_that_fails_frees_the_original_once(estate: Estate) -> None:
    source = await estate.cloud.add_image("copied twice")
    await estate.fail("datastore/CLONE")
    failed = await estate.cloud.new("one.image.clone", source, "failed copy")
    await reach(estate, failed, S.ERROR)
    estate.cloud.behave({"datastore/CLONE": {"hang": True}})
    hanging = await estate.cloud.new("one.image.clone", source, "hanging copy")
    await estate.cloud.call("one.image.delete", failed)
    await estate.cloud.until(lambda: is_gone(estate, failed), "its end")
    assert estate.cloud.image(source).cloning_ops == 1
    await estate.cloud.call("one.image.delete", hanging, True)
    await estate.cloud.until(lambda: is_gone(estate, hanging), "its end")
    assert (estate.cloud.image(source).state, estate.cloud.image(source).cloning_ops) == (S.READY, 0)


async def test_an_image_in_use_stays_as_it_is(estate: Estate) -> None:
    image_id = await estate.cloud.add_image("used")
    vm_id = await estate.cloud.add_vm(f"DISK=[IMAGE_ID={image_id}]")
    for method, argument in (("delete", False), ("persistent", True), ("chtype", "CDROM")):
        with pytest.raises(ActionError):
            await estate.cloud.call(f"one.image.{method}", image_id, argument)
    await estate.cloud.act("terminate", vm_id)
    await estate.cloud.call("one.image.delete", image_id)
    await estate.cloud.until(lambda: is_gone(estate, image_id), "its end")


async def test_a_disabled_image_cannot_be_used_until_it_is_enabled(estate: Estate) -> None:
    image_id = await estate.cloud.add_image("switched")
    await estate.cloud.call("one.image.enable", image_id, False)
    with pytest.raises(ActionError, match="in state DISABLED"):
        await estate.cloud.add_vm(f"DISK=[IMAGE_ID={image_id}]")
    await estate.cloud.call("one.image.enable", image_id, True)
    vm_id = await estate.cloud.add_vm(f"DISK=[IMAGE_ID={image_id}]")
    await estate.cloud.act("terminate", vm_id)


async def test_a_vm_that_waits_for_an_image_fails_with_it(estate: Estate) -> None:
    estate.cloud.behave({"datastore/CP": {"delay_s": 0.3, "failure_rate": 1.0, "message": "disk full"}})
    image_id = await begin(estate, "NAME=awaited\nPATH=/any")
    vm_id = await estate.cloud.add_vm(f"DISK=[IMAGE_ID={image_id}]")
    assert estate.place(vm_id)[0] is VmState.CLONING
    await estate.cloud.settle(vm_id, VmState.CLONING_FAILURE)
    assert "disk full" in estate.cloud.vm(vm_id).user_template.get("ERROR")
    await estate.cloud.act("terminate", vm_id)
    assert estate.cloud.image(image_id).running_vms == 0


async def test_an_image_that_cannot_be_removed_says_why(estate: Estate) -> None:
    image_id = await estate.cloud.add_image("stuck")
    await estate.fail("datastore/RM", "read-only")
    await estate.cloud.call("one.image.delete", image_id)
    await reach(estate, image_id, S.ERROR)
    assert "read-only" in estate.cloud.image(image_id).template.get("ERROR")


@pytest.mark.parametrize("kind", ["KERNEL", "CONTEXT"])
async def test_files_belong_into_a_datastore_of_files(estate: Estate, kind: str) -> None:
    with pytest.raises(AllocateError, match="use a FILE_DS"):
        await begin(estate, f"NAME=file\nTYPE={kind}\nPATH=/any")


async def test_deleting_a_copy_that_is_being_made_frees_the_original_and_removes_what_was_made(
    estate: Estate,
) -> None:
    source = await estate.cloud.add_image("copied and dropped")
    estate.cloud.behave({"datastore/CLONE": {"hang": True}, "datastore/RM": {"delay_s": 0.3}})
    copy = await estate.cloud.new("one.image.clone", source, "dropped copy")
    await estate.cloud.call("one.image.delete", copy, True)
    await estate.cloud.call("one.image.delete", copy, True)
    await estate.cloud.call("one.image.delete", copy)
    assert estate.cloud.image(copy).state is S.DELETE
    await estate.cloud.until(lambda: is_gone(estate, copy), "its end")
    assert (estate.cloud.image(source).state, estate.cloud.image(source).cloning_ops) == (S.READY, 0)


async def test_leftovers_that_cannot_be_removed_do_not_keep_an_image_that_was_never_there(
    estate: Estate,
) -> None:
    source = await estate.cloud.add_image("kept")
    estate.cloud.behave(
        {"datastore/CLONE": {"hang": True}, "datastore/RM": {"failure_rate": 1.0, "message": "read-only"}}
    )
    copy = await estate.cloud.new("one.image.clone", source, "never there")
    await estate.cloud.call("one.image.delete", copy, True)
    await estate.cloud.until(lambda: is_gone(estate, copy), "its end")
    assert (estate.cloud.image(source).state, estate.cloud.image(source).cloning_ops) == (S.READY, 0)


@pytest.mark.parametrize("forces", [1, 2])
async def test_a_removal_under_way_is_not_begun_twice(
    estate: Estate, forces: int, caplog: pytest.LogCaptureFixture
) -> None:
    image_id = await estate.cloud.add_image(f"removed once {forces}")
    estate.cloud.behave({"datastore/RM": {"delay_s": 0.3}})
    for number in range(3):
        await estate.cloud.call("one.image.delete", image_id, number < forces)
    await estate.cloud.until(lambda: is_gone(estate, image_id), "its end")
    assert f"image {image_id}: RM failed" not in caplog.text


@pytest.mark.parametrize("word", ["KERNEL", "RAMDISK", "CONTEXT"])
async def test_a_type_that_does_not_fit_the_datastore_is_refused(estate: Estate, word: str) -> None:
    with pytest.raises(ActionError, match=f"A {word} image cannot be in datastore .* use a FILE_DS"):
        await estate.cloud.call("one.image.chtype", estate.image_id, word)
    assert estate.cloud.image(estate.image_id).type is ImageType.OS
    await estate.cloud.call("one.image.chtype", estate.image_id, "CDROM")
    await estate.cloud.call("one.image.chtype", estate.image_id, "OS")


async def test_a_copy_goes_only_where_it_fits(estate: Estate) -> None:
    text = "NAME={}\nDS_MAD=dummy\nTM_MAD=dummy\nTYPE={}"
    files = await estate.cloud.new("one.datastore.allocate", text.format("taking-files", "FILE_DS"), -1)
    other = await estate.cloud.new("one.datastore.allocate", text.format("taking-images", "IMAGE_DS"), -1)

    async def copy(datastore_id: int) -> int:
        return await estate.cloud.new("one.image.clone", estate.image_id, "elsewhere", datastore_id)

    def set_state(tx: Transaction, state: DatastoreState) -> None:
        store = tx.datastores.get(other)
        store.state, store.total_mb, store.free_mb = state, 100, 10
        tx.datastores.save(store)

    for datastore_id in (files, 0):
        with pytest.raises(AllocateError, match="A OS image cannot be in datastore"):
            await copy(datastore_id)
    for state, reason in (
        (DatastoreState.DISABLED, f"Datastore {other} is disabled"),
        (DatastoreState.READY, "1024 MiB needed, 10 free"),
    ):
        await estate.cloud.daemon.store.write(partial(set_state, state=state))
        with pytest.raises(AllocateError, match=reason):
            await copy(other)
    assert estate.cloud.image(estate.image_id).cloning_ops == 0


async def test_an_image_of_an_unknown_type_cannot_be_allocated(estate: Estate) -> None:
    with pytest.raises(AllocateError, match=r"Error allocating a new image\. Unknown image type 'ODD'"):
        await begin(estate, "NAME=odd\nPATH=/any\nTYPE=ODD")
