"""The API methods that change VMs which are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right
from opennebula_core.managers.objects import parse_text, update_kind
from opennebula_core.managers.vm.changes.capacity import CapacityChanges
from opennebula_core.managers.vm.changes.configuration import ConfigurationChanges
from opennebula_core.managers.vm.changes.disk_sizes import DiskSizes
from opennebula_core.managers.vm.changes.disk_snapshots import DiskSnapshotChanges
from opennebula_core.managers.vm.changes.disks import DiskChanges
from opennebula_core.managers.vm.changes.nics import NicChanges
from opennebula_core.managers.vm.changes.save_as import DiskSaves
from opennebula_core.managers.vm.changes.snapshots import SnapshotChanges

_VM = Param("id", int)
_TEMPLATE = Param("template", str)
_MANAGE = (Need(ObjectKind.VM, Right.MANAGE, "id"),)


@dataclass(frozen=True, slots=True)
class VmChanges:
    """The use cases."""

    disks: DiskChanges
    nics: NicChanges
    capacity: CapacityChanges
    configuration: ConfigurationChanges
    snapshots: SnapshotChanges
    disk_sizes: DiskSizes
    disk_saves: DiskSaves
    disk_snapshots: DiskSnapshotChanges


def change_methods(changes: VmChanges) -> Iterable[Method]:
    """Return the methods of all changes."""
    yield _with_text("attach", changes.disks.attach, "Give a VM one more disk.")
    yield _method("detach", (Param("disk", int),), changes.disks.detach, "Take a disk out of a VM.")
    yield _with_text("attachnic", changes.nics.attach, "Give a VM one more NIC.")
    yield _method("detachnic", (Param("nic", int),), changes.nics.detach, "Take a NIC out of a VM.")
    yield _resize(changes.capacity)
    yield _updateconf(changes.configuration)
    yield from _snapshots(changes.snapshots)
    sizes = (Param("disk", int), Param("size_mb", str))
    yield _method("diskresize", sizes, changes.disk_sizes.resize, "Make a disk of a VM larger, in MiB.")
    yield _save_as(changes.disk_saves)
    yield from _disk_snapshots(changes.disk_snapshots)


def _disk_snapshots(snapshots: DiskSnapshotChanges) -> Iterable[Method]:
    disk, name = Param("disk", int), Param("name", str)
    one = (disk, Param("snapshot", int))
    yield _method("disksnapshotcreate", (disk, name), snapshots.create, "Make a snapshot of a disk of a VM.")
    yield _method("disksnapshotrevert", one, snapshots.revert, "Bring a disk of a VM back to a snapshot.")
    yield _method("disksnapshotdelete", one, snapshots.delete, "Remove a snapshot of a disk of a VM.")
    yield _method(
        "disksnapshotrename", (*one, name), snapshots.rename, "Rename a snapshot of a disk of a VM."
    )


def _save_as(saves: DiskSaves) -> Method:
    return Method(
        "one.vm.disksaveas",
        (
            _VM,
            Param("disk", int),
            Param("name", str),
            Param("type", str, ""),
            Param("snapshot", int, -1),
        ),
        (*_MANAGE, Need(ObjectKind.IMAGE, Right.CREATE)),
        Mode.WRITE,
        saves.save,
        "Copy a disk of a VM to a new image.",
    )


def _resize(capacity: CapacityChanges) -> Method:
    def prepare(vm_id: int, text: str, enforce: bool) -> tuple[object, ...]:
        return vm_id, parse_text(text), enforce

    return Method(
        "one.vm.resize",
        (_VM, _TEMPLATE, Param("enforce", bool, True)),
        _MANAGE,
        Mode.WRITE,
        capacity.resize,
        "Give a VM another CPU, MEMORY or VCPU.",
        prepare,
    )


def _updateconf(configuration: ConfigurationChanges) -> Method:
    def prepare(vm_id: int, text: str, append: int) -> tuple[object, ...]:
        return vm_id, parse_text(text), update_kind(append)

    return Method(
        "one.vm.updateconf",
        (_VM, _TEMPLATE, Param("append", int, 0)),
        _MANAGE,
        Mode.WRITE,
        configuration.update,
        "Replace the configuration of a VM (0), or merge into it (1).",
        prepare,
    )


def _snapshots(snapshots: SnapshotChanges) -> Iterable[Method]:
    one = (Param("snapshot", int),)
    named = (Param("name", str),)
    yield _method("snapshotcreate", named, snapshots.create, "Make a snapshot of a VM that runs.")
    yield _method("snapshotrevert", one, snapshots.revert, "Bring a VM that runs back to a snapshot.")
    yield _method("snapshotdelete", one, snapshots.delete, "Remove a snapshot of a VM that runs.")


def _method(name: str, params: tuple[Param, ...], handler: Callable[..., object], doc: str) -> Method:
    return Method(f"one.vm.{name}", (_VM, *params), _MANAGE, Mode.WRITE, handler, doc)


def _with_text(name: str, handler: Callable[..., object], doc: str) -> Method:
    def prepare(vm_id: int, text: str) -> tuple[object, ...]:
        return vm_id, parse_text(text)

    return Method(f"one.vm.{name}", (_VM, _TEMPLATE), _MANAGE, Mode.WRITE, handler, doc, prepare)
