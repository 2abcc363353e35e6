"""Transfer scripts, one for each phase, in the grammar of OpenNebula 6.10.

Source of verbs and order: transfer files written by OpenNebula 6.10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from opennebula_core.managers.transfer import changes
from opennebula_core.managers.transfer.disks import bring, take_away
from opennebula_core.managers.transfer.lines import (
    Stay,
    datastore_of,
    disk_driver,
    line,
    on_front_end,
    on_host,
    system_driver,
)
from opennebula_core.managers.transfer.phases import Phase
from opennebula_core.model.objects import Vm


def write_script(phase: str, vm: Vm, stay: Stay, attempt: int) -> str:
    """Return the text of a phase's script.

    :raises DriverError: a disk lacks what the phase needs
    """
    lines = list(_WRITERS[phase](vm, stay))
    head = [f"#% ATTEMPT={attempt}"] if attempt > 1 else []
    return "\n".join((*head, *lines, ""))


def _prolog(vm: Vm, stay: Stay) -> Iterator[str]:
    for disk in vm.template.vectors("DISK"):
        yield from bring(vm, disk, stay)


def _move_all(vm: Vm, stay: Stay, source: str, target: str) -> Iterator[str]:
    for disk in vm.template.vectors("DISK"):
        name = f"disk.{disk['DISK_ID']}"
        ends = f"{source}/{name}", f"{target}/{name}"
        yield line("MV", disk_driver(disk, stay), *ends, vm.id, datastore_of(disk, stay))
    yield line("MV", system_driver(stay), source, target, vm.id, stay.paths.datastore_id)


def _resume(vm: Vm, stay: Stay) -> Iterator[str]:
    waiting = stay.previous_paths or stay.paths  # they were stopped in the datastore of the last stay
    yield from _move_all(vm, stay, f"{stay.front_end}:{waiting.on_front_end}", on_host(stay))


def _stop(vm: Vm, stay: Stay) -> Iterator[str]:
    yield from _move_all(vm, stay, on_host(stay), on_front_end(stay))


def _migrate(vm: Vm, stay: Stay) -> Iterator[str]:
    previous = stay.previous_paths or stay.paths
    yield from _move_all(vm, stay, f"{stay.previous_host}:{previous.on_host}", on_host(stay))


def _undo_migrate(vm: Vm, stay: Stay) -> Iterator[str]:
    """Yield the line that removes what came to the other host; a driver of shared storage does nothing.

    Between datastores nothing is removed: its verb knows one folder, the same on both hosts.
    """
    there = stay.previous_paths or stay.paths
    if stay.previous_host != stay.host and there.on_host == stay.paths.on_host:
        places = stay.host, stay.previous_host, stay.paths.on_host
        yield line("FAILMIGRATE", system_driver(stay), *places, vm.id, stay.paths.datastore_id)


def _epilog_at(vm: Vm, stay: Stay, folder: str) -> Iterator[str]:
    for disk in vm.template.vectors("DISK"):
        yield from take_away(vm, disk, stay, folder)
    yield line("DELETE", system_driver(stay), folder, vm.id, stay.paths.datastore_id)


def _epilog(vm: Vm, stay: Stay) -> Iterator[str]:
    yield from _epilog_at(vm, stay, on_host(stay))


def _epilog_front_end(vm: Vm, stay: Stay) -> Iterator[str]:
    yield from _epilog_at(vm, stay, on_front_end(stay))


def cleanup_lines(vm: Vm, stay: Stay, other_host: str = "") -> Iterator[str]:
    """Yield the lines that remove a VM's files on its host without saving any.

    :param other_host: the other host of a migration, where they are in the datastore of the stay before
    """
    yield from _delete_at(vm, stay, stay.host)
    if other_host:
        paths, tm_mad = stay.previous_paths or stay.paths, stay.previous_tm_mad or stay.tm_mad
        yield from _delete_at(vm, replace(stay, paths=paths, tm_mad=tm_mad), other_host)


def _delete_at(vm: Vm, stay: Stay, host: str) -> Iterator[str]:
    for disk in vm.template.vectors("DISK"):
        path = f"{host}:{stay.paths.disk(disk['DISK_ID'])}"
        yield line("DELETE", disk_driver(disk, stay), path, vm.id, datastore_of(disk, stay))
    folder = f"{host}:{stay.paths.on_host}"
    yield line("DELETE", system_driver(stay), folder, vm.id, stay.paths.datastore_id)


def _delete_front_end(vm: Vm, stay: Stay) -> Iterator[str]:
    """Yield the lines that remove what waits on the front-end, or has come there, or was on its way."""
    for paths in dict.fromkeys((stay.paths, stay.previous_paths or stay.paths)):
        folder = f"{stay.front_end}:{paths.on_front_end}"
        yield line("DELETE", system_driver(stay), folder, vm.id, paths.datastore_id)


_WRITERS: dict[str, Callable[[Vm, Stay], Iterator[str]]] = {
    Phase.PROLOG: _prolog,
    Phase.RESUME: _resume,
    Phase.STOP: _stop,
    Phase.MIGRATE: _migrate,
    Phase.UNDO_MIGRATE: _undo_migrate,
    Phase.EPILOG: _epilog,
    Phase.EPILOG_FRONT_END: _epilog_front_end,
    Phase.DELETE: _delete_front_end,
    **changes.WRITERS,
}


def context_line(vm: Vm, stay: Stay, context_file: str) -> str:
    """Return the line that makes the VM's context CD, empty when it has none."""
    context = vm.template.vector("CONTEXT")
    if context is None:
        return ""
    files = (context_file, *context.get("FILES", "").split())
    target = f"{stay.host}:{stay.paths.disk(context['DISK_ID'])}"
    return line("CONTEXT", system_driver(stay), *files, target, vm.id, stay.paths.datastore_id) + "\n"


def live_migration_line(vm: Vm, stay: Stay) -> str:
    """Return the line that prepares and finishes a live migration."""
    places = stay.previous_host, stay.host, stay.paths.on_host
    return line("MIGRATE", system_driver(stay), *places, vm.id, stay.paths.datastore_id) + "\n"
