"""Snapshots that a persistent image keeps: removed, gone back to, flattened, while no VM uses the image.

The image is LOCKED while its datastore's driver works; its row says what that is to do, so that it is done
again after a crash. A failure leaves image and snapshots as they were, and the image READY with an ERROR that
says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right, Session
from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError
from opennebula_core.managers.core import Core
from opennebula_core.managers.image.snapshot_actions import SNAP_DELETE, SNAP_FLATTEN, SNAP_REVERT
from opennebula_core.managers.image.work import ImageWork
from opennebula_core.model.disk_snapshots import Snapshots
from opennebula_core.model.objects import Image
from opennebula_core.model.states import ImageState, ImageType


def snapshot_methods(core: Core, work: ImageWork) -> Iterable[Method]:
    """Return the methods of images' snapshots."""

    def delete(tx: Transaction, session: Session, image_id: int, snapshot_id: int) -> int:
        image = _resting(tx, image_id, snapshot_id, "delete snapshot")
        snapshots = Snapshots(image.snapshots)
        if snapshots.current == snapshot_id:
            raise ActionError("Cannot delete the active snapshot; revert to another one first", image_id)
        if snapshots.children(snapshot_id) and not snapshots.allows_orphans:
            raise ActionError("Cannot delete snapshot with children; delete those first", image_id)
        return _begin(tx, core, work, image, SNAP_DELETE, snapshot_id)

    def revert(tx: Transaction, session: Session, image_id: int, snapshot_id: int) -> int:
        image = _resting(tx, image_id, snapshot_id, "revert to snapshot")
        return _begin(tx, core, work, image, SNAP_REVERT, snapshot_id)

    def flatten(tx: Transaction, session: Session, image_id: int, snapshot_id: int) -> int:
        image = _resting(tx, image_id, snapshot_id, "flatten snapshot")
        return _begin(tx, core, work, image, SNAP_FLATTEN, snapshot_id)

    yield _method("snapshotdelete", delete, "Remove a snapshot that a persistent image keeps.")
    yield _method("snapshotrevert", revert, "Bring a persistent image back to a snapshot.")
    yield _method("snapshotflatten", flatten, "Make an image what a snapshot is, and remove all snapshots.")


def _method(name: str, handler: Callable[..., int], doc: str) -> Method:
    params = (Param("id", int), Param("snapshot", int))
    needs = (Need(ObjectKind.IMAGE, Right.MANAGE, "id"),)
    return Method(f"one.image.{name}", params, needs, Mode.WRITE, handler, doc)


def _resting(tx: Transaction, image_id: int, snapshot_id: int, what: str) -> Image:
    """Return an image that nobody uses and that has the snapshot.

    :raises ActionError: it is in use, or has no such snapshot
    """
    image = tx.images.get(image_id)
    if image.type not in (ImageType.OS, ImageType.DATABLOCK):
        raise ActionError("Images of type KERNEL, RAMDISK, BACKUP and CONTEXT have no snapshots.", image_id)
    if image.state is not ImageState.READY:
        raise ActionError(f"Cannot {what} in state {image.state.name}", image_id)
    if Snapshots(image.snapshots).find(snapshot_id) is None:
        raise ActionError(f"Snapshot {snapshot_id} does not exist in image {image_id}", image_id)
    return image


def _begin(tx: Transaction, core: Core, work: ImageWork, image: Image, action: str, snapshot_id: int) -> int:
    datastore = tx.datastores.get(image.datastore_id)
    if not core.drivers.can("datastore", datastore.ds_mad, action):
        raise ActionError(
            f"Driver {datastore.ds_mad!r} of datastore {datastore.id} has no {action}", image.id
        )
    image.snapshot_action, image.target_snapshot = action, snapshot_id
    image.prev_state, image.state = image.state, ImageState.LOCKED
    tx.images.save(image, f"state {image.state.name}")
    work.begin(tx, image)
    return image.id
