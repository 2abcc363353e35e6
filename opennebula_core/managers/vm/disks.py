"""A VM's disks, from what the user asks for to what drivers need. Source: DISK of OpenNebula 6.10."""

from __future__ import annotations

import itertools
import re
import string
from collections.abc import Iterator

from opennebula_core.contracts.method import ObjectKind, Right, Session
from opennebula_core.db.transaction import Snapshot, Transaction
from opennebula_core.errors import ActionError, InternalError, NotFoundError
from opennebula_core.managers.rights import require_on
from opennebula_core.managers.vm.kept_snapshots import take_kept
from opennebula_core.managers.vm.targets import check_targets
from opennebula_core.model.marks import remove_marks
from opennebula_core.model.numbers import MAX_MIB, whole_number
from opennebula_core.model.objects import Datastore, Image, Vm
from opennebula_core.model.states import DiskType, ImageState, ImageType
from opennebula_core.model.template import Vector

CONTEXT_PREFIX = "hd"
_CORE_OWNED = (
    "SOURCE", "TM_MAD", "DATASTORE", "DATASTORE_ID", "IMAGE_STATE", "PERSISTENT", "CLUSTER_ID",
    "DISK_SNAPSHOT_TOTAL_SIZE",
)  # fmt: skip
_WORD = re.compile(r"[A-Za-z0-9._-]+")
BEING_MADE = (ImageState.LOCKED, ImageState.LOCKED_USED, ImageState.LOCKED_USED_PERS)
_TYPE_WORDS = {DiskType.FILE: "FILE", DiskType.CD_ROM: "CDROM", DiskType.BLOCK: "BLOCK", DiskType.RBD: "RBD"}


def resolve_disks(tx: Transaction, session: Session, vm: Vm, default_prefix: str) -> bool:
    """Complete every DISK of the template, and record which images it uses.

    :returns: whether an image is still being copied, so that the VM has to wait for it
    :raises RequestError: an image does not exist, may not be used, or is not usable now
    """
    waits = False
    disks = vm.template.vectors("DISK")
    taken = {disk["TARGET"] for disk in disks if disk.get("TARGET")}
    for number, disk in enumerate(disks):
        waits |= complete_disk(tx, session, vm, disk, number, default_prefix, taken)
        taken.add(disk["TARGET"])
    place_context(vm, len(disks), taken)
    check_targets(vm)
    return waits


def complete_disk(
    tx: Transaction,
    session: Session,
    vm: Vm,
    disk: Vector,
    disk_id: int,
    default_prefix: str,
    taken: set[str],
) -> bool:
    """Complete one DISK, and record which image it uses.

    :param taken: targets of the VM's other disks
    :returns: whether its image is still being copied
    :raises RequestError: its image does not exist, may not be used, or is not usable now
    """
    remove_marks(disk)
    disk["DISK_ID"] = str(disk_id)
    if "IMAGE_ID" in disk or "IMAGE" in disk:
        return _from_image(tx, session, vm, disk, default_prefix, taken)
    _volatile(disk, default_prefix, taken)
    return False


def _from_image(
    tx: Transaction, session: Session, vm: Vm, disk: Vector, default_prefix: str, taken: set[str]
) -> bool:
    image = find_image(tx, session.user_id, disk)
    require_on(tx, session, ObjectKind.IMAGE, Right.USE, image)
    waits = image.state in BEING_MADE
    _check_usable(image)
    datastore = tx.datastores.get(image.datastore_id)
    describe_disk(disk, image, datastore, default_prefix)
    take_kept(vm, disk, image)
    if not disk.get("TARGET"):
        disk["TARGET"] = _free_target(disk["DEV_PREFIX"], taken, boot=image.type is ImageType.OS)
    tx.images.use(image.id, vm.id, int(disk["DISK_ID"]))
    return waits


def find_image(tx: Snapshot, user_id: int, disk: Vector) -> Image:
    """Return the image that a DISK names, by its id or by its name and owner.

    :param user_id: whose image a name means when the disk names no owner
    :raises RequestError: there is none
    """
    image_id = whole_number(disk.get("IMAGE_ID", ""))
    if image_id is not None:
        return tx.images.get(image_id)
    if "IMAGE_ID" in disk:
        raise InternalError(f"Wrong IMAGE_ID {disk['IMAGE_ID'][:80]!r} in DISK.")
    uid = user_id
    named_uid = whole_number(disk.get("IMAGE_UID", ""))
    if named_uid is not None:
        uid = named_uid
    elif "IMAGE_UNAME" in disk:
        owner = tx.users.find_by_name(disk["IMAGE_UNAME"])
        uid = owner.id if owner is not None else -1
    image = tx.images.find_by_name(disk["IMAGE"], uid)
    if image is None:
        raise NotFoundError(
            f"User {uid} does not own an image with name: {disk['IMAGE']} . "
            f"Set IMAGE_UNAME or IMAGE_UID of owner in DISK."
        )
    return image


def _check_usable(image: Image) -> None:
    if image.type not in (ImageType.OS, ImageType.CDROM, ImageType.DATABLOCK):
        raise InternalError(
            f"Image '{image.name}' (ID {image.id}) cannot be used as a disk: it is a {image.type.name}."
        )
    usable = image.state in (ImageState.READY, ImageState.USED, ImageState.LOCKED, ImageState.LOCKED_USED)
    if image.persistent:
        usable = image.state in (ImageState.READY, ImageState.LOCKED) and not image.running_vms
    if not usable:
        raise ActionError(
            f"Cannot acquire image {image.id}: it is in state {image.state.name}"
            + (" and persistent, so that one VM at a time may use it." if image.persistent else "."),
            image.id,
        )


def describe_disk(disk: Vector, image: Image, datastore: Datastore, default_prefix: str) -> None:
    """Copy what drivers need to know of image and datastore; the user's own values of free ones stay.

    DRIVER is the image's format whatever a template says: a raw image that is opened as qcow2 makes QEMU open
    the files that a header written by the guest names.
    """
    is_cdrom = image.type is ImageType.CDROM
    size = max(whole_number(disk.get("SIZE", ""), MAX_MIB) or 0, image.size_mb)
    disk.setdefault(
        "DEV_PREFIX", image.template.get("DEV_PREFIX") or (CONTEXT_PREFIX if is_cdrom else default_prefix)
    )
    if not disk.get("TARGET") and image.template.get("TARGET"):
        disk["TARGET"] = image.template.get("TARGET")
    disk.update(
        IMAGE=image.name,
        IMAGE_ID=str(image.id),
        IMAGE_STATE=str(int(image.state)),
        SOURCE=image.source,
        FORMAT=image.format,
        DRIVER=image.format or "raw",
        TYPE="CDROM" if is_cdrom else _TYPE_WORDS.get(image.disk_type, "FILE"),
        DISK_TYPE=_TYPE_WORDS.get(image.disk_type, "FILE"),
        CLONE="NO" if image.persistent else "YES",
        SAVE="YES" if image.persistent else "NO",
        READONLY="YES" if is_cdrom else disk.get("READONLY", "NO"),
        SIZE=str(size),
        ORIGINAL_SIZE=str(image.size_mb),
        DATASTORE=datastore.name,
        DATASTORE_ID=str(datastore.id),
        TM_MAD=datastore.tm_mad,
        CLUSTER_ID=",".join(str(cluster_id) for cluster_id in datastore.cluster_ids),
        CLONE_TARGET=datastore.template.get("CLONE_TARGET", "SYSTEM"),
        LN_TARGET=datastore.template.get("LN_TARGET", "SYSTEM"),
        ALLOW_ORPHANS=datastore.template.get("ALLOW_ORPHANS", "NO"),
        DISK_SNAPSHOT_TOTAL_SIZE="0",
    )
    if image.persistent:
        disk["PERSISTENT"] = "YES"


def refresh_disks(tx: Transaction, vm: Vm) -> None:
    """Copy anew what the copying of images has made known: source, format, size."""
    for disk in vm.template.vectors("DISK"):
        if "IMAGE_ID" not in disk:
            continue
        image = tx.images.get(int(disk["IMAGE_ID"]))
        grown = int(disk.get("SIZE", "0")) > int(disk.get("ORIGINAL_SIZE", "0"))
        disk.update(
            SOURCE=image.source,
            FORMAT=image.format,
            DRIVER=image.format or "raw",
            ORIGINAL_SIZE=str(image.size_mb),
            IMAGE_STATE=str(int(image.state)),
        )
        if not grown:
            disk["SIZE"] = str(image.size_mb)
        take_kept(vm, disk, image)


def waits_for_images(tx: Snapshot, vm: Vm) -> bool:
    """Return whether an image that the VM uses is still being made."""
    return any(image.state in BEING_MADE for image in _images(tx, vm))


def broken_images(tx: Snapshot, vm: Vm) -> list[Image]:
    """Return the images of the VM's that could not be made."""
    return [image for image in _images(tx, vm) if image.state is ImageState.ERROR]


def _images(tx: Snapshot, vm: Vm) -> list[Image]:
    return tx.images.many(int(disk["IMAGE_ID"]) for disk in vm.template.vectors("DISK") if "IMAGE_ID" in disk)


def _volatile(disk: Vector, default_prefix: str, taken: set[str]) -> None:
    kind = disk.get("TYPE", "").lower()
    if kind not in ("fs", "swap"):
        raise InternalError(
            f"Unknown disk type {disk.get('TYPE', '')!r} for volatile DISK; use fs or swap, or name an IMAGE."
        )
    if not whole_number(disk.get("SIZE", ""), MAX_MIB):
        raise InternalError(f"A volatile DISK needs SIZE, a number of MiB from 1 to {MAX_MIB}.")
    for name in _CORE_OWNED:
        disk.pop(name, None)
    if not all(_WORD.fullmatch(disk.get(name, "raw")) for name in ("FORMAT", "FS", "DEV_PREFIX", "TARGET")):
        raise InternalError("FORMAT, FS, DEV_PREFIX and TARGET of a DISK are single words.")
    disk.setdefault("DEV_PREFIX", default_prefix)
    disk["FORMAT"] = disk.get("FORMAT", "").lower() or ("swap" if kind == "swap" else "raw")
    _check_volatile_format(disk, is_swap=kind == "swap")
    disk["DRIVER"] = "qcow2" if disk["FORMAT"] == "qcow2" else "raw"
    disk.update(DISK_TYPE="FILE", CLONE="NO", SAVE="NO", ORIGINAL_SIZE=disk["SIZE"])
    if not disk.get("TARGET"):
        disk["TARGET"] = _free_target(disk["DEV_PREFIX"], taken, boot=False)


def _check_volatile_format(disk: Vector, *, is_swap: bool) -> None:
    """Refuse what a guest could not use: what is made on a new disk is made on a raw one.

    :raises InternalError: the disk is to be qcow2 as well
    """
    content = "a swap area" if is_swap else f"the file system {disk['FS']!r}" if disk.get("FS") else ""
    if content and disk["FORMAT"] == "qcow2":
        raise InternalError(
            f"A volatile DISK cannot be qcow2 and have {content}: that is made on raw disks; "
            f"leave FORMAT out, or have the guest format an empty one."
        )
    if disk.get("FS", "").lower() in ("raw", "qcow2"):
        raise InternalError(f"FS of a volatile DISK is {disk['FS']!r}, no file system; that is a FORMAT.")


def place_context(vm: Vm, disk_id: int, taken: set[str]) -> None:
    """Give the context CD a number and a device name; a VM without a context has none."""
    context = vm.template.vector("CONTEXT")
    if context is None:
        return
    context["DISK_ID"] = str(disk_id)
    if not context.get("TARGET"):
        context["TARGET"] = _free_target(CONTEXT_PREFIX, taken, boot=True)


def _free_target(prefix: str, taken: set[str], *, boot: bool) -> str:
    """Return the first free device name; ``a`` is left to the disk that boots where there is a choice."""
    letters = _letters()
    if not boot and not any(target.startswith(prefix) for target in taken):
        next(letters)
    return next(name for name in (prefix + letter for letter in letters) if name not in taken)


def _letters() -> Iterator[str]:
    alphabet = string.ascii_lowercase
    yield from alphabet
    yield from ("".join(pair) for pair in itertools.product(alphabet, repeat=2))
