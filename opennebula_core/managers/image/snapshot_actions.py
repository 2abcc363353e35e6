"""What datastore drivers do with the snapshots of images, and what its end means for the image."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from opennebula_core.db.transaction import Transaction
from opennebula_core.errors import ActionError
from opennebula_core.model.disk_snapshots import Snapshots
from opennebula_core.model.objects import Image
from opennebula_core.model.states import ImageState

LOG = logging.getLogger(__name__)

SNAP_DELETE: Final = "SNAP_DELETE"
SNAP_REVERT: Final = "SNAP_REVERT"
SNAP_FLATTEN: Final = "SNAP_FLATTEN"
_DONE: Final[dict[str, Callable[[Snapshots, int], None]]] = {
    SNAP_DELETE: lambda snapshots, snapshot_id: snapshots.remove(snapshot_id),
    SNAP_REVERT: lambda snapshots, snapshot_id: snapshots.go_on_from(snapshot_id),
    SNAP_FLATTEN: lambda snapshots, snapshot_id: snapshots.remove_all(),
}


def refuse_snapshots(image: Image, what: str) -> None:
    """Refuse what would lose the snapshots of an image.

    :param what: such as ``cloned``
    :raises ActionError: it has some
    """
    if Snapshots(image.snapshots).all():
        raise ActionError(
            f"Image {image.id} has snapshots and cannot be {what}; flatten one, or delete them", image.id
        )


def end_action(tx: Transaction, image_id: int, action: str, failure: str) -> Image | None:
    """Note how a driver's work on a snapshot has ended; return the image, None if it was deleted meanwhile.

    :param action: what it was to do
    :param failure: why it could not, empty if it could
    """
    image = tx.images.find(image_id)
    if image is None or image.snapshot_action != action or image.state is ImageState.DELETE:
        return None
    snapshots, snapshot_id = Snapshots(image.snapshots), image.target_snapshot
    if failure:
        LOG.error("image %d: %s of snapshot %d failed: %s", image_id, action, snapshot_id, failure)
        image.template.set("ERROR", f"{time.ctime(tx.now)} : Error in {action} of {snapshot_id}: {failure}")
    else:
        image.template.remove("ERROR")
        _DONE[action](snapshots, snapshot_id)
        image.snapshots_mb = snapshots.total_mib
    image.snapshot_action, image.target_snapshot = "", -1
    return image
