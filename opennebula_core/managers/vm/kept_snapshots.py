"""Snapshots of persistent disks: they come with the image, and go back to it with the disk.

While a VM has the disk, its template says which there are; the image keeps the list of those that lie beside
it in the datastore, and counts those of the VM for its owner's quota.
"""

from __future__ import annotations

from opennebula_core.db.transaction import Transaction
from opennebula_core.model.disk_snapshots import STATE, DiskSnapshots, Snapshots, forget_snapshots
from opennebula_core.model.marks import YES
from opennebula_core.model.objects import Image, Vm
from opennebula_core.model.template import Template, Vector


def take_kept(vm: Vm, disk: Vector, image: Image) -> None:
    """Have a persistent disk that will be made from its image the snapshots that this keeps."""
    if image.persistent and (STATE in image.snapshots or STATE in vm.template):
        DiskSnapshots(vm.template, disk).take_from(image.snapshots)


def begin_anew(tx: Transaction, vm: Vm) -> None:
    """Forget the snapshots of all disks, which are made anew; persistent ones have those of their images."""
    snapped = _snapped(tx, vm)
    forget_snapshots(vm.template)
    for disk, image in snapped:
        take_kept(vm, disk, image)
        _count(tx, image, image.snapshots)


def count_snapshots(tx: Transaction, vm: Vm, disk: Vector) -> None:
    """Count the snapshots of a disk, which have changed, for the owner of its image if it is persistent.

    :raises AuthorizationError: they pass a limit
    """
    if disk.get("PERSISTENT") == YES:
        image = tx.images.find(int(disk["IMAGE_ID"]))
        if image is not None:
            _count(tx, image, DiskSnapshots(vm.template, disk).kept())


def bring_back(tx: Transaction, vm: Vm, disk: Vector) -> None:
    """Note that a disk has been written back to its image, and its snapshots with it."""
    if disk.get("PERSISTENT") != YES:
        return
    image, kept = tx.images.find(int(disk["IMAGE_ID"])), DiskSnapshots(vm.template, disk).kept()
    if image is not None and (STATE in kept or STATE in image.snapshots):
        image.snapshots, image.snapshots_mb = kept, Snapshots(kept).total_mib
        tx.images.save(image)


def bring_all_back(tx: Transaction, vm: Vm) -> None:
    """Note that all disks of a VM have been written back."""
    for disk in vm.template.vectors("DISK"):
        bring_back(tx, vm, disk)


def let_go(tx: Transaction, vm: Vm) -> None:
    """Count again what the images of a VM keep: what was not written back is gone with its disks."""
    for _, image in _snapped(tx, vm):
        _count(tx, image, image.snapshots)


def _snapped(tx: Transaction, vm: Vm) -> list[tuple[Vector, Image]]:
    """Return the persistent disks with their images, if any disk of the VM has had snapshots."""
    if STATE not in vm.template:
        return []
    disks = [disk for disk in vm.template.vectors("DISK") if disk.get("PERSISTENT") == YES]
    found = ((disk, tx.images.find(int(disk["IMAGE_ID"]))) for disk in disks)
    return [(disk, image) for disk, image in found if image is not None]


def _count(tx: Transaction, image: Image, snapshots: Template) -> None:
    total_mib = Snapshots(snapshots).total_mib
    if total_mib != image.snapshots_mb:
        image.snapshots_mb = total_mib
        tx.images.save(image)
