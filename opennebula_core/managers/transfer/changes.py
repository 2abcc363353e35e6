"""The scripts of changes to one disk of a VM that is there already; the document marks which."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from opennebula_core.errors import DriverError
from opennebula_core.managers.transfer.disks import bring, take_away
from opennebula_core.managers.transfer.lines import Stay, datastore_of, disk_driver, line, on_host
from opennebula_core.managers.transfer.phases import Phase
from opennebula_core.model.marks import ATTACHED, is_marked
from opennebula_core.model.objects import Vm
from opennebula_core.model.template import Vector


def _attach(vm: Vm, stay: Stay) -> Iterator[str]:
    yield from bring(vm, marked_disk(vm, ATTACHED), stay)


def _undo_attach(vm: Vm, stay: Stay) -> Iterator[str]:
    disk = marked_disk(vm, ATTACHED)
    path = f"{stay.host}:{stay.paths.disk(disk['DISK_ID'])}"
    yield line("DELETE", disk_driver(disk, stay), path, vm.id, datastore_of(disk, stay))


def _detach(vm: Vm, stay: Stay) -> Iterator[str]:
    yield from take_away(vm, marked_disk(vm, ATTACHED), stay, on_host(stay))


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
}
"""What writes each phase."""
