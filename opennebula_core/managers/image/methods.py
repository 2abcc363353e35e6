"""The API methods of images."""

from __future__ import annotations

import time
from collections.abc import Iterable

from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.documents.image import render_image
from opennebula_core.errors import ActionError, AllocateError, DriverError, InternalError
from opennebula_core.managers.core import Core
from opennebula_core.managers.image.allocate import image_type, new_image, no_room_reason, unfit_reason
from opennebula_core.managers.image.copies import Copy, clone_image, delete_image
from opennebula_core.managers.image.snapshot_actions import refuse_snapshots
from opennebula_core.managers.image.snapshots import snapshot_methods
from opennebula_core.managers.image.work import ImageWork
from opennebula_core.managers.objects import Kind, lock_methods, owned_methods, parse_text
from opennebula_core.managers.pools import info_method, pool_method
from opennebula_core.managers.progress import progress_method
from opennebula_core.managers.restricted import check_restricted
from opennebula_core.model.objects import Image
from opennebula_core.model.states import DatastoreState, ImageState, ImageType
from opennebula_core.model.template import Template

IMAGE, DATASTORE = ObjectKind.IMAGE, ObjectKind.DATASTORE
_MANAGE = (Need(IMAGE, Right.MANAGE, "id"),)
_RESTING = (ImageState.READY, ImageState.ERROR, ImageState.DISABLED)


def image_methods(core: Core, work: ImageWork) -> Iterable[Method]:
    """Return all methods of images and their pool."""
    kind = Kind(
        "one.image",
        IMAGE,
        restricted=core.config.images.restricted_attributes,
        other_bits=core.config.users.enable_other_permissions,
    )
    yield from owned_methods(kind)
    yield from lock_methods(kind)
    yield info_method("one.image", IMAGE, _render)
    yield pool_method("one.imagepool.info", IMAGE, "IMAGE_POOL", _render_many)
    yield _allocate(core, work)
    yield _clone(core, work)
    yield _delete(work)
    yield from _changes()
    yield from snapshot_methods(core, work)
    yield progress_method(core, "one.image", IMAGE, ("datastore",))


def _render(tx: Snapshot, image: Image) -> str:
    copies = tx.images.copy_ids_by_image(image.id) if image.cloning_ops else {}
    return render_image(image, tx.images.vm_ids(image.id), copies.get(image.id, ()))


def _render_many(tx: Snapshot, images: Iterable[Image]) -> Iterable[str]:
    users, copies = tx.images.vm_ids_by_image(), tx.images.copy_ids_by_image()
    return (render_image(image, users.get(image.id, ()), copies.get(image.id, ())) for image in images)


def _allocate(core: Core, work: ImageWork) -> Method:
    async def before(
        session: Session, text: str, datastore_id: int, skip_capacity_check: bool
    ) -> tuple[Image]:
        given: Template = parse_text(text)
        check_restricted(session, given, core.config.images.restricted_attributes, "Image Template")
        datastore = core.store.read(lambda tx: tx.datastores.get(datastore_id))
        if datastore.state is not DatastoreState.READY:
            raise AllocateError(f"Error allocating a new image. Datastore {datastore_id} is disabled")
        image = new_image(session, given, datastore, int(time.time()))
        if image.state is ImageState.LOCKED and (image.path or not image.size_mb):
            try:
                image.size_mb = await work.stat(image, datastore)
            except DriverError as error:
                raise AllocateError(
                    f"Error allocating a new image. Cannot determine Image SIZE. {error}"
                ) from None
        no_room = "" if skip_capacity_check else no_room_reason(image.size_mb, datastore)
        if no_room:
            raise AllocateError(f"Error allocating a new image. {no_room}")

        return (image,)

    def allocate(tx: Transaction, session: Session, image: Image) -> int:
        core.hooks.check_quota(session, IMAGE, IMAGES=1, DISK_MIB=image.size_mb)
        try:
            tx.images.allocate(image)
        except InternalError as error:
            raise AllocateError(f"Error allocating a new image. {error}", error.object_id) from None
        if image.state is ImageState.LOCKED:
            work.begin(tx, image)
        return image.id

    return Method(
        "one.image.allocate",
        (Param("template", str), Param("datastore", int), Param("skip_capacity_check", bool, False)),
        (Need(IMAGE, Right.CREATE), Need(DATASTORE, Right.USE, "datastore")),
        Mode.WRITE,
        allocate,
        "Bring an image into a datastore; it is LOCKED until it is there.",
        before=before,
    )


def _clone(core: Core, work: ImageWork) -> Method:
    def clone(tx: Transaction, session: Session, image_id: int, name: str, datastore_id: int) -> int:
        return clone_image(tx, session, core, work, Copy(image_id, name, datastore_id))

    return Method(
        "one.image.clone",
        (Param("id", int), Param("name", str), Param("datastore", int, -1)),
        (Need(IMAGE, Right.USE, "id"), Need(IMAGE, Right.CREATE)),
        Mode.WRITE,
        clone,
        "Copy an image, into another datastore when one is named.",
    )


def _delete(work: ImageWork) -> Method:
    def delete(tx: Transaction, session: Session, image_id: int, force: bool) -> int:
        delete_image(tx, work, image_id, force=force)
        return image_id

    return Method(
        "one.image.delete",
        (Param("id", int), Param("force", bool, False)),
        _MANAGE,
        Mode.WRITE,
        delete,
        "Remove an image that no VM uses.",
    )


def _changes() -> Iterable[Method]:
    def enable(tx: Transaction, session: Session, image_id: int, wanted: bool) -> int:
        image = tx.images.get(image_id)
        if image.state not in _RESTING:
            raise ActionError(
                f"Cannot {'enable' if wanted else 'disable'} image in state: {image.state.name}", image_id
            )
        image.prev_state, before = image.state, image.state.name
        image.state = ImageState.READY if wanted else ImageState.DISABLED
        tx.images.save_after(before, image)
        return image_id

    def persistent(tx: Transaction, session: Session, image_id: int, wanted: bool) -> int:
        image = tx.images.get(image_id)
        if image.running_vms or image.cloning_ops:
            raise ActionError(
                "Image is in use; wait until no VM uses it and no copy is made of it.", image_id
            )
        if not wanted:
            refuse_snapshots(image, "made non-persistent")
        image.persistent = wanted
        tx.images.save(image)
        return image_id

    def chtype(tx: Transaction, session: Session, image_id: int, word: str) -> int:
        image = tx.images.get(image_id)
        if image.running_vms:
            raise ActionError("Cannot change the type of an image that VMs use.", image_id)
        kind = image_type(word)
        if kind not in (ImageType.OS, ImageType.DATABLOCK):
            refuse_snapshots(image, f"made a {kind.name}")
        unfit = unfit_reason(kind, tx.datastores.get(image.datastore_id))
        if unfit:
            raise ActionError(f"Cannot change the type of image {image_id}. {unfit}", image_id)
        image.type = kind
        tx.images.save(image)
        return image_id

    for word, param, handler, doc in (
        ("enable", Param("enable", bool), enable, "Enable or disable an image."),
        (
            "persistent",
            Param("persistent", bool),
            persistent,
            "Let one VM at a time use an image and change it.",
        ),
        ("chtype", Param("type", str), chtype, "Change an image's type."),
    ):
        yield Method(f"one.image.{word}", (Param("id", int), param), _MANAGE, Mode.WRITE, handler, doc)
