"""Copies of images, and their removal: what methods of images and of templates both do."""

from __future__ import annotations

from dataclasses import dataclass

from opennebula_core.contracts.method import ObjectKind, Right, Session
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError, AllocateError, InternalError
from opennebula_core.managers.core import Core
from opennebula_core.managers.image.allocate import no_room_reason, unfit_reason
from opennebula_core.managers.image.snapshot_actions import refuse_snapshots
from opennebula_core.managers.image.work import ImageWork, saving_vm
from opennebula_core.managers.ownership import owned_by
from opennebula_core.managers.rights import require
from opennebula_core.model.objects import Datastore, Image
from opennebula_core.model.states import DatastoreState, ImageState

IMAGE, DATASTORE = ObjectKind.IMAGE, ObjectKind.DATASTORE


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that is wanted.

    :param image_id: of which image
    :param datastore_id: where to; -1 for where the image is
    """

    image_id: int
    name: str
    datastore_id: int = -1
    persistent: bool = False


def clone_image(tx: Transaction, session: Session, core: Core, work: ImageWork, wanted: Copy) -> int:
    """Begin to copy an image that the caller may use, and return the id of the copy, LOCKED till it is there.

    :raises RequestError: the image is not usable now, or the datastore cannot take the copy
    """
    source = tx.images.get(wanted.image_id)
    if source.state not in (ImageState.READY, ImageState.USED, ImageState.CLONE) or (
        source.persistent and source.running_vms
    ):
        raise ActionError(f"Cannot clone image in state: {source.state.name}", wanted.image_id)
    refuse_snapshots(source, "cloned")
    datastore = tx.datastores.get(source.datastore_id if wanted.datastore_id < 0 else wanted.datastore_id)
    require(tx, session, DATASTORE, Right.USE, datastore.id)
    _check_target(source, datastore)
    core.hooks.check_quota(session, IMAGE, IMAGES=1, DISK_MIB=source.size_mb)
    copy = _copy_of(tx, session, source, datastore, wanted)
    try:
        tx.images.allocate(copy)
    except InternalError as error:
        raise AllocateError(f"Error allocating a new image. {error}", error.object_id) from None
    source.cloning_ops, before = source.cloning_ops + 1, source.state.name
    if source.state is ImageState.READY:
        source.prev_state, source.state = source.state, ImageState.CLONE
    tx.images.save_after(before, source)
    work.begin(tx, copy)
    return copy.id


def _copy_of(tx: Transaction, session: Session, source: Image, datastore: Datastore, wanted: Copy) -> Image:
    return Image(
        id=-1,
        name=wanted.name,
        **owned_by(session),
        template=source.template.copy(),
        type=source.type,
        disk_type=source.disk_type,
        regtime=tx.now,
        format=source.format,
        fs=source.fs,
        size_mb=source.size_mb,
        persistent=wanted.persistent,
        state=ImageState.LOCKED,
        cloning_id=source.id,
        datastore_id=datastore.id,
        datastore=datastore.name,
    )


def _check_target(source: Image, datastore: Datastore) -> None:
    """Check that a datastore can take a copy.

    :raises AllocateError: it cannot
    """
    reason = unfit_reason(source.type, datastore)
    if not reason and datastore.state is not DatastoreState.READY:
        reason = f"Datastore {datastore.id} is disabled"
    reason = reason or no_room_reason(source.size_mb, datastore)
    if reason:
        raise AllocateError(f"Cannot clone image {source.id}. {reason}", source.id)


def delete_image(tx: Transaction, work: ImageWork, image_id: int, *, force: bool) -> None:
    """Begin to remove an image that no VM uses.

    :param force: even while it is made or copied
    :raises ActionError: it is used
    """
    image = tx.images.get(image_id)
    if image.state is ImageState.DELETE:
        return  # under way; a second removal would only get into the first one's way
    if image.running_vms:
        raise ActionError(f"Cannot delete image. There are {image.running_vms} VMs using it.", image_id)
    if image.cloning_ops and not force:
        raise ActionError(
            f"Cannot delete image. There are {image.cloning_ops} copies being made of it.", image_id
        )
    if image.state is ImageState.LOCKED and not force:
        raise ActionError("Cannot delete image. It is being made; wait, or use force.", image_id)
    saving = saving_vm(tx, image)
    if saving is not None:
        raise ActionError(
            f"Cannot delete image. A disk of VM {saving} is being saved to it; wait, or recover that VM.",
            image_id,
        )
    image.prev_state, image.state = image.state, ImageState.DELETE
    tx.images.save(image, "state DELETE")
    work.begin(tx, image)
