"""The images of a template's disks, which its recursive methods copy or remove with it."""

from __future__ import annotations

from collections.abc import Iterator

from opennebula_core.contracts.method import ObjectKind, Right, Session
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.errors import ActionError, RequestError
from opennebula_core.managers.core import Core
from opennebula_core.managers.image.copies import Copy, clone_image, delete_image
from opennebula_core.managers.image.work import ImageWork
from opennebula_core.managers.rights import require, require_on_pool
from opennebula_core.managers.vm.disks import find_image
from opennebula_core.model.objects import Image, VmTemplate
from opennebula_core.model.template import Template, Vector

IMAGE = ObjectKind.IMAGE
_NAMING = ("IMAGE", "IMAGE_UNAME", "IMAGE_UID")
"""Other ways to say which image a disk is, which a copy's id takes the place of."""


class TemplateImages:
    """What recursive methods do to images; all of it or nothing, in the method's transaction."""

    def __init__(self, core: Core, work: ImageWork) -> None:
        self._core = core
        self._work = work

    def delete(self, tx: Transaction, session: Session, template: VmTemplate) -> None:
        """Begin to remove the images; a name without an owner means an image of the template's owner.

        :raises ActionError: one does not exist, is used, or may not be removed by the caller
        """
        try:
            for image_id in {image.id for _, image in _disks(tx, template.uid, template.template)}:
                require(tx, session, IMAGE, Right.MANAGE, image_id)
                delete_image(tx, self._work, image_id, force=False)
        except RequestError as error:
            raise ActionError(f"Cannot delete image: {error}; delete without recursive") from None

    def copy(
        self, tx: Transaction, session: Session, content: Template, name: str, *, persistent: bool = False
    ) -> None:
        """Begin to copy each disk's image, and let the disks name the copies, NAME-disk-0 and so on.

        :param content: is changed
        :raises RequestError: an image cannot be copied, or the caller may not
        """
        disks = list(_disks(tx, session.user_id, content))
        if disks:
            require_on_pool(tx, session, IMAGE)
        for number, (disk, image) in enumerate(disks):
            require(tx, session, IMAGE, Right.USE, image.id)
            wanted = Copy(image.id, f"{name}-disk-{number}", persistent=persistent)
            disk["IMAGE_ID"] = str(clone_image(tx, session, self._core, self._work, wanted))
            for other in _NAMING:
                disk.pop(other, None)


def _disks(tx: Snapshot, user_id: int, content: Template) -> Iterator[tuple[Vector, Image]]:
    for disk in content.vectors("DISK"):
        if "IMAGE_ID" in disk or "IMAGE" in disk:
            yield disk, find_image(tx, user_id, disk)
