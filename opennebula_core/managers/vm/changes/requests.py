"""What requests to VMM drivers carry for changes, besides the VM's document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from opennebula_core.contracts.vmm import VmmAction
from opennebula_core.managers.transfer.changes import marked_disk
from opennebula_core.managers.transfer.lines import Stay
from opennebula_core.managers.transfer.phases import Phase
from opennebula_core.managers.transfer.scripts import context_line, write_script
from opennebula_core.managers.vm.context import CONTEXT_SCRIPT, context_files
from opennebula_core.model.marks import ATTACHED, RESIZED, SNAPPED, is_marked
from opennebula_core.model.objects import Vm


@dataclass(frozen=True, slots=True)
class Parts:
    """Transfer lines of a change, those that undo them, the disk that it is about, files to write first."""

    tm_command: str = ""
    tm_rollback: str = ""
    disk_path: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


def parts_of(action: str, vm: Vm, stay: Stay, path_of: Callable[[str], str]) -> Parts | None:
    """Return what the request of a change carries; None for an action that changes no part of a VM.

    :param path_of: returns the path of one of the VM's files on the front-end
    """
    write = _PARTS.get(action)
    return None if write is None else write(vm, stay, path_of)


def _attach_disk(vm: Vm, stay: Stay, path_of: Callable[[str], str]) -> Parts:
    command, rollback = write_script(Phase.ATTACH, vm, stay, 1), write_script(Phase.UNDO_ATTACH, vm, stay, 1)
    return Parts(command, rollback, stay.paths.disk(marked_disk(vm, ATTACHED)["DISK_ID"]))


def _detach_disk(vm: Vm, stay: Stay, path_of: Callable[[str], str]) -> Parts:
    command = write_script(Phase.DETACH, vm, stay, 1)
    return Parts(command, disk_path=stay.paths.disk(marked_disk(vm, ATTACHED)["DISK_ID"]))


def _resize_disk(vm: Vm, stay: Stay, path_of: Callable[[str], str]) -> Parts:
    command = write_script(Phase.RESIZE, vm, stay, 1)
    return Parts(command, disk_path=stay.paths.disk(marked_disk(vm, RESIZED)["DISK_ID"]))


def _snap_disk(vm: Vm, stay: Stay, path_of: Callable[[str], str]) -> Parts:
    command = write_script(Phase.SNAP_CREATE, vm, stay, 1)
    return Parts(command, disk_path=stay.paths.disk(marked_disk(vm, SNAPPED)["DISK_ID"]))


def _context(vm: Vm, stay: Stay, path_of: Callable[[str], str]) -> Parts:
    context = vm.template.vector("CONTEXT")
    if context is None:
        return Parts()
    line = context_line(vm, stay, path_of(CONTEXT_SCRIPT))
    return Parts(line, disk_path=stay.paths.disk(context["DISK_ID"]), files=context_files(vm))


def _detach_nic(vm: Vm, stay: Stay, path_of: Callable[[str], str]) -> Parts:
    """Tell the guest of the NICs that it keeps."""
    kept = vm.template.copy()
    for nic in kept.vectors("NIC"):
        if is_marked(nic, ATTACHED):
            kept.discard("NIC", nic)
    return _context(Vm(vm.id, vm.name, template=kept), stay, path_of)


_PARTS: Final[Mapping[str, Callable[[Vm, Stay, Callable[[str], str]], Parts]]] = {
    VmmAction.ATTACHDISK.value: _attach_disk,
    VmmAction.DETACHDISK.value: _detach_disk,
    VmmAction.ATTACHNIC.value: _context,
    VmmAction.DETACHNIC.value: _detach_nic,
    VmmAction.UPDATECONF.value: _context,
    VmmAction.RESIZEDISK.value: _resize_disk,
    VmmAction.DISKSNAPSHOTCREATE.value: _snap_disk,
}
