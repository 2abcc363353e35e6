"""The scripts of changes to one disk of a VM that is there already; the document marks which."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from opennebula_core.errors import DriverError
from opennebula_core.managers.transfer.disks import bring, take_away
from opennebula_core.managers.transfer.lines import (
    Stay,
    datastore_of,
    disk_driver,
    is_persistent,
    line,
    on_front_end,
    on_host,
    pragma,
)
from opennebula_core.managers.transfer.phases import Phase
from opennebula_core.model.marks import (
    ATTACHED,
    RESIZED,
    SAVE_AS_PASSING,
    SAVE_AS_SOURCE,
    SAVED,
    SNAPPED,
    SNAPPED_ID,
    is_marked,
)
from opennebula_core.model.objects import Vm
from opennebula_core.model.states import LcmState
from opennebula_core.model.template import Vector

_ON_FRONT_END: Final = (
    LcmState.DISK_RESIZE_UNDEPLOYED,
    LcmState.HOTPLUG_SAVEAS_UNDEPLOYED,
    LcmState.HOTPLUG_SAVEAS_STOPPED,
)


def _attach(vm: Vm, stay: Stay) -> Iterator[str]:
    yield from bring(vm, marked_disk(vm, ATTACHED), stay)


def _undo_attach(vm: Vm, stay: Stay) -> Iterator[str]:
    disk = marked_disk(vm, ATTACHED)
    path = f"{stay.host}:{stay.paths.disk(disk['DISK_ID'])}"
    yield line("DELETE", disk_driver(disk, stay), path, vm.id, datastore_of(disk, stay))


def _detach(vm: Vm, stay: Stay) -> Iterator[str]:
    disk = marked_disk(vm, ATTACHED)
    yield from take_away(vm, disk, stay, on_host(stay))
    if is_persistent(disk):  # it has been written back; its VM goes on, and the folder stays
        yield line("DELETE", disk_driver(disk, stay), _file(vm, disk, stay), vm.id, datastore_of(disk, stay))


def _resize(vm: Vm, stay: Stay) -> Iterator[str]:
    disk = marked_disk(vm, RESIZED)
    yield pragma(FORMAT=disk.get("FORMAT") or "raw")
    ids = vm.id, datastore_of(disk, stay)
    yield line("RESIZE", disk_driver(disk, stay), _file(vm, disk, stay), disk["SIZE"], *ids)


def _save_as(vm: Vm, stay: Stay) -> Iterator[str]:
    disk = marked_disk(vm, SAVED)
    yield pragma(FORMAT=disk.get("FORMAT") or "raw")
    source, ids = disk.get(SAVE_AS_SOURCE, ""), (vm.id, datastore_of(disk, stay))
    snapshot = disk.get(SNAPPED_ID, "-1")
    file = _file(vm, disk, stay)
    yield line("CPDS", disk_driver(disk, stay), file, source, snapshot, *ids)
    if is_marked(disk, SAVE_AS_PASSING):
        yield line("SNAP_DELETE", disk_driver(disk, stay), file, snapshot, *ids)


def _snapshot(verb: str, vm: Vm, stay: Stay) -> Iterator[str]:
    disk = marked_disk(vm, SNAPPED)
    yield pragma(FORMAT=disk.get("FORMAT") or "raw")
    ids = vm.id, datastore_of(disk, stay)
    yield line(verb, disk_driver(disk, stay), _file(vm, disk, stay), disk.get(SNAPPED_ID, ""), *ids)


def _file(vm: Vm, disk: Vector, stay: Stay) -> str:
    """Return where a disk is while its VM rests, or runs."""
    folder = on_front_end(stay) if vm.lcm_state in _ON_FRONT_END else on_host(stay)
    return f"{folder}/disk.{disk['DISK_ID']}"


def marked_disk(vm: Vm, mark: str) -> Vector:
    """Return the disk that a change is about; the document that drivers get marks it.

    :raises DriverError: none is marked
    """
    for disk in vm.template.vectors("DISK"):
        if is_marked(disk, mark):
            return disk
    raise DriverError(f"VM {vm.id}: none of its disks is marked {mark}; recover the VM as failed")


WRITERS: Final[Mapping[str, Callable[[Vm, Stay], Iterator[str]]]] = {
    Phase.ATTACH: _attach,
    Phase.UNDO_ATTACH: _undo_attach,
    Phase.DETACH: _detach,
    Phase.RESIZE: _resize,
    Phase.SAVE_AS: _save_as,
    Phase.SNAP_CREATE: partial(_snapshot, "SNAP_CREATE"),
    Phase.SNAP_REVERT: partial(_snapshot, "SNAP_REVERT"),
    Phase.SNAP_DELETE: partial(_snapshot, "SNAP_DELETE"),
}
"""What writes each phase."""
