"""Making an image from a template text. Source: IMAGE of OpenNebula 6.10."""

from __future__ import annotations

from opennebula_core.contracts.method import Session
from opennebula_core.errors import AllocateError, ParameterError
from opennebula_core.managers.objects import require_text
from opennebula_core.managers.ownership import owned_by
from opennebula_core.model.numbers import MAX_MIB, whole_number
from opennebula_core.model.objects import Datastore, Image
from opennebula_core.model.states import DatastoreType, DiskType, ImageState, ImageType
from opennebula_core.model.template import Template

_FILE_TYPES = (ImageType.KERNEL, ImageType.RAMDISK, ImageType.CONTEXT)
_DRIVER_FORMATS = {"qcow2": "qcow2", "raw": "raw"}


def image_type(word: str) -> ImageType:
    """Return the type that a client's word means.

    :raises ParameterError: there is none
    """
    try:
        return ImageType[word.upper() or "OS"]
    except KeyError:
        names = ", ".join(kind.name for kind in ImageType)
        raise ParameterError(f"Unknown image type {word!r}; use one of {names}") from None


def unfit_reason(kind: ImageType, datastore: Datastore) -> str:
    """Return why an image of a type cannot be in a datastore, empty when it can."""
    wanted = DatastoreType.FILE_DS if kind in _FILE_TYPES else DatastoreType.IMAGE_DS
    if datastore.type is wanted:
        return ""
    return (
        f"A {kind.name} image cannot be in datastore {datastore.id}, which is a {datastore.type.name}; "
        f"use a {wanted.name}"
    )


def no_room_reason(size_mib: int, datastore: Datastore) -> str:
    """Return why a datastore cannot take so much more, empty when it can or its room is not known."""
    if datastore.total_mb <= 0 or datastore.free_mb >= size_mib:
        return ""
    return f"Not enough space in datastore {datastore.id}: {size_mib} MiB needed, {datastore.free_mb} free"


def new_image(session: Session, given: Template, datastore: Datastore, now: int) -> Image:
    """Return the image that a template describes, not yet in any pool.

    :param given: is changed
    :raises RequestError: it lacks what its type needs, or does not fit the datastore
    """
    name = require_text("NAME", given.take("NAME"))
    try:
        kind = image_type(given.take("TYPE"))
    except ParameterError as error:
        raise AllocateError(f"Error allocating a new image. {error}") from None
    path, source, size = given.take("PATH"), given.take("SOURCE"), given.take("SIZE")
    unfit = unfit_reason(kind, datastore)
    if unfit:
        raise AllocateError(f"Error allocating a new image. {unfit}")
    size_mb = whole_number(size or "0", MAX_MIB)
    if size_mb is None:
        raise AllocateError(
            f"Error allocating a new image. Wrong SIZE {size[:80]!r}; "
            f"use a number of MiB from 1 to {MAX_MIB}, or leave it out"
        )
    if not path and not source and not (kind is ImageType.DATABLOCK and size_mb):
        raise AllocateError(
            "Error allocating a new image. No PATH in template; "
            "name a file with PATH, or give a DATABLOCK a SIZE"
        )
    persistent = given.take("PERSISTENT").upper() == "YES"
    format_word = (given.take("FORMAT") or _DRIVER_FORMATS.get(given.get("DRIVER"), "")).lower()
    return Image(
        id=-1,
        name=name,
        **owned_by(session),
        template=given,
        type=kind,
        disk_type=DiskType.CD_ROM if kind is ImageType.CDROM else datastore.disk_type,
        persistent=persistent,
        regtime=now,
        source=source,
        path=path,
        format=format_word,
        fs=given.take("FS"),
        size_mb=size_mb,
        state=ImageState.READY if source else ImageState.LOCKED,
        prev_state=ImageState.INIT,
        datastore_id=datastore.id,
        datastore=datastore.name,
    )
