"""Datastores and images."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from opennebula_core.contracts.method import ObjectKind
from opennebula_core.db.pool import Child, NameScope, Pool
from opennebula_core.db.quotas import image_taken
from opennebula_core.db.tables import DatastoreRow, ImageRow
from opennebula_core.documents.datastore import datastore_xml
from opennebula_core.errors import NotFoundError
from opennebula_core.model.objects import Datastore, Image
from opennebula_core.model.states import DatastoreState, DatastoreType, DiskType, ImageState, ImageType
from opennebula_core.model.takings import Taken
from opennebula_core.model.template import Template

_BEING_MADE = f"{ImageState.LOCKED:d}, {ImageState.LOCKED_USED:d}, {ImageState.LOCKED_USED_PERS:d}"

# Counts users in place, whatever their number. Only READY, USED and their LOCKED counterparts follow it; an
# image that is disabled or broken stays so.
_COUNT_USE = f"""UPDATE image SET running_vms = running_vms + :delta, state = CASE
        WHEN state IN
            ({ImageState.LOCKED:d}, {ImageState.LOCKED_USED:d}, {ImageState.LOCKED_USED_PERS:d}) THEN
            CASE WHEN running_vms + :delta = 0 THEN {ImageState.LOCKED:d}
                 WHEN persistent = 1 THEN {ImageState.LOCKED_USED_PERS:d} ELSE {ImageState.LOCKED_USED:d} END
        WHEN state IN ({ImageState.READY:d}, {ImageState.USED:d}, {ImageState.USED_PERS:d}) THEN
            CASE WHEN running_vms + :delta = 0 THEN {ImageState.READY:d}
                 WHEN persistent = 1 THEN {ImageState.USED_PERS:d} ELSE {ImageState.USED:d} END
        ELSE state END
    WHERE id = :id RETURNING state, running_vms"""
_COUNTING = (
    ImageState.READY, ImageState.USED, ImageState.USED_PERS,
    ImageState.LOCKED, ImageState.LOCKED_USED, ImageState.LOCKED_USED_PERS,
)  # fmt: skip


class DatastorePool(Pool[Datastore]):
    """The datastores."""

    row = DatastoreRow
    value = Datastore
    kind = ObjectKind.DATASTORE
    title = "datastore"
    names = NameScope.POOL
    first_id = 100
    decoders = {"type": DatastoreType, "disk_type": DiskType, "state": DatastoreState}  # noqa: RUF012 - ClassVar
    children = {  # noqa: RUF012 - a ClassVar of the base class
        "cluster_ids": Child("cluster_id", "cluster_datastore WHERE datastore_id = t1.id")
    }

    def cluster_ids(self, object_id: int) -> tuple[int, ...]:
        """Return the clusters that may use the datastore."""
        rows = self.tx.query(
            "SELECT cluster_id FROM cluster_datastore WHERE datastore_id = ? ORDER BY cluster_id",
            (object_id,),
        )
        return tuple(row[0] for row in rows)

    def save_children(self, saved: Datastore) -> None:
        """Write the clusters."""
        self.tx.execute("DELETE FROM cluster_datastore WHERE datastore_id = ?", (saved.id,))
        self.tx.execute_many(
            "INSERT INTO cluster_datastore (cluster_id, datastore_id) VALUES (?, ?)",
            [(cluster_id, saved.id) for cluster_id in saved.cluster_ids],
        )

    def drop_children(self, object_id: int) -> None:
        """Take the datastore out of its clusters."""
        self.tx.execute("DELETE FROM cluster_datastore WHERE datastore_id = ?", (object_id,))

    def document(self, datastore_id: int) -> str:
        """Return a datastore's document as plain XML, for drivers, without its images.

        :raises NotFoundError: there is none with that id
        """
        row = self.tx.one(self.statements.by_id, (datastore_id,))
        if row is None:
            raise NotFoundError(f"Error getting {self.title} [{datastore_id}].", datastore_id)
        return _datastore_document(row)

    def image_ids(self, datastore_id: int) -> list[int]:
        """Return the images in the datastore."""
        rows = self.tx.query("SELECT id FROM image WHERE datastore_id = ? ORDER BY id", (datastore_id,))
        return [row[0] for row in rows]

    def image_ids_by_datastore(self) -> dict[int, list[int]]:
        """Return the images of all datastores, in one query."""
        found: dict[int, list[int]] = {}
        for datastore_id, image_id in self.tx.query("SELECT datastore_id, id FROM image ORDER BY id"):
            found.setdefault(datastore_id, []).append(image_id)
        return found


@lru_cache(maxsize=256)
def _datastore_document(row: tuple[Any, ...]) -> str:
    """Return the document that a row means: the steps of many VMs ask for the same one."""
    return datastore_xml(DatastorePool._load(row))


class ImagePool(Pool[Image]):
    """The images; which VMs use one is a table of its own, so that no VM rewrites an image's document."""

    row = ImageRow
    value = Image
    kind = ObjectKind.IMAGE
    title = "image"
    names = NameScope.OWNER
    decoders = {  # noqa: RUF012 - a ClassVar of the base class
        "type": ImageType,
        "disk_type": DiskType,
        "persistent": bool,
        "state": ImageState,
        "prev_state": ImageState,
        "snapshots": Template.from_json,
    }
    counted = ("uid", "gid", "datastore_id", "size_mb", "snapshots_mb")

    def decode_taken(self, row: tuple[Any, ...]) -> Taken:
        """Return what an image takes of its datastore."""
        return image_taken(row)

    def state_text(self, value: Image) -> str:
        """Return STATE."""
        return value.state.name

    def cluster_ids(self, object_id: int) -> tuple[int, ...]:
        """Return the clusters of the image's datastore."""
        rows = self.tx.query(
            "SELECT cluster_id FROM cluster_datastore JOIN image USING (datastore_id) WHERE image.id = ?",
            (object_id,),
        )
        return tuple(row[0] for row in rows)

    def use(self, image_id: int, vm_id: int, disk_id: int) -> None:
        """Record that a VM's disk comes from the image, and show the image as used."""
        is_known = self._is_used_by(image_id, vm_id)
        self.tx.execute("INSERT OR IGNORE INTO image_use VALUES (?, ?, ?)", (image_id, vm_id, disk_id))
        if not is_known:
            self._count(image_id, 1)

    def release(self, vm_id: int, disk_id: int | None = None) -> None:
        """Record that a VM, or one of its disks, uses no image any more; what nobody uses now is READY."""
        condition, values = (
            ("vm_id = ?", [vm_id]) if disk_id is None else ("vm_id = ? AND disk_id = ?", [vm_id, disk_id])
        )
        rows = self.tx.query(f"DELETE FROM image_use WHERE {condition} RETURNING image_id", values)
        for image_id in sorted({row[0] for row in rows}):
            if not self._is_used_by(image_id, vm_id):
                self._count(image_id, -1)

    def _is_used_by(self, image_id: int, vm_id: int) -> bool:
        used = self.tx.one(
            "SELECT 1 FROM image_use WHERE image_id = ? AND vm_id = ? LIMIT 1", (image_id, vm_id)
        )
        return used is not None

    def _count(self, image_id: int, delta: int) -> None:
        row = self.tx.connection.execute(_COUNT_USE, {"id": image_id, "delta": delta}).fetchone()
        if row is None:  # it is gone already
            return
        state, running_vms = row
        is_first_or_last = running_vms == max(delta, 0)
        is_new = is_first_or_last and state in _COUNTING
        self.tx.emit(self.kind, image_id, f"state {ImageState(state).name}" if is_new else "update")

    def vm_ids(self, image_id: int) -> list[int]:
        """Return the VMs that use the image."""
        rows = self.tx.query(
            "SELECT DISTINCT vm_id FROM image_use WHERE image_id = ? ORDER BY vm_id", (image_id,)
        )
        return [row[0] for row in rows]

    def copy_ids_by_image(self, *image_ids: int) -> dict[int, list[int]]:
        """Return the copies that are being made of images, of all when none is named."""
        found: dict[int, list[int]] = {}
        chosen = f" AND cloning_id IN ({', '.join(map(str, image_ids))})" if image_ids else ""
        for image_id, copy_id in self.tx.query(
            f"SELECT cloning_id, id FROM image WHERE cloning_id >= 0 AND state IN ({_BEING_MADE}){chosen} "
            f"ORDER BY cloning_id, id"
        ):
            found.setdefault(image_id, []).append(copy_id)
        return found

    def vm_ids_by_image(self) -> dict[int, list[int]]:
        """Return the VMs of all images, in one query."""
        found: dict[int, list[int]] = {}
        for image_id, vm_id in self.tx.query(
            "SELECT DISTINCT image_id, vm_id FROM image_use ORDER BY image_id, vm_id"
        ):
            found.setdefault(image_id, []).append(vm_id)
        return found
