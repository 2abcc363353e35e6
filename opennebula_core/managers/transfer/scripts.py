"""Transfer scripts, one for each phase, in the grammar of OpenNebula 6.10.

A line that starts with ``#%`` says what the verbs do not: sizes, formats, the attempt. Other drivers read it
as a comment. Source of verbs and order: transfer files written by OpenNebula 6.10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from opennebula_core.errors import DriverError
from opennebula_core.managers.transfer.paths import VmPaths
from opennebula_core.managers.transfer.phases import Phase
from opennebula_core.model.objects import Vm
from opennebula_core.model.template import Vector


@dataclass(frozen=True, slots=True)
class Stay:
    """The places that a script is about.

    :param tm_mad: transfer driver of the system datastore
    :param forced_tm_mad: driver for every line, when the host's hypervisor brings its own kind of disks
    :param previous_host: where the VM comes from, for migrations
    """

    host: str
    front_end: str
    paths: VmPaths
    tm_mad: str
    forced_tm_mad: str = ""
    previous_host: str = ""
    previous_paths: VmPaths | None = None


def write_script(phase: str, vm: Vm, stay: Stay, attempt: int) -> str:
    """Return the text of a phase's script.

    :raises DriverError: a disk lacks what the phase needs
    """
    lines = list(_WRITERS[phase](vm, stay))
    head = [f"#% ATTEMPT={attempt}"] if attempt > 1 else []
    return "\n".join((*head, *lines, ""))


def _disk_tm(disk: Vector, stay: Stay) -> str:
    return stay.forced_tm_mad or disk.get("TM_MAD") or stay.tm_mad


def _tail(vm: Vm, disk: Vector, stay: Stay) -> str:
    return f"{vm.id} {disk.get('DATASTORE_ID') or stay.paths.datastore_id}"


def _is_persistent(disk: Vector) -> bool:
    return disk.get("SAVE", "").upper() == "YES"


def _is_volatile(disk: Vector) -> bool:
    return "IMAGE_ID" not in disk


def _prolog(vm: Vm, stay: Stay) -> Iterator[str]:
    for disk in vm.template.vectors("DISK"):
        target = f"{stay.host}:{stay.paths.disk(disk['DISK_ID'])}"
        if _is_volatile(disk):
            yield from _volatile(vm, disk, target, stay)
        else:
            yield from _from_image(vm, disk, target, stay)


def _volatile(vm: Vm, disk: Vector, target: str, stay: Stay) -> Iterator[str]:
    size = disk.get("SIZE", "")
    if not size:
        raise DriverError(f"VM {vm.id}, disk {disk['DISK_ID']}: a volatile disk needs SIZE (MiB)")
    tail = f"{target} {vm.id} {stay.paths.datastore_id}"
    tm_mad = stay.forced_tm_mad or stay.tm_mad
    if disk.get("TYPE", "").lower() == "swap":
        yield f"MKSWAP {tm_mad} {size} {tail}"
    else:
        made = disk.get("FS") or disk.get("FORMAT") or "raw"
        yield f"MKIMAGE {tm_mad} {size} {made} {tail}"


def _from_image(vm: Vm, disk: Vector, target: str, stay: Stay) -> Iterator[str]:
    source = disk.get("SOURCE", "")
    if not source:
        raise DriverError(
            f"VM {vm.id}, disk {disk['DISK_ID']}: image {disk.get('IMAGE_ID')} has no SOURCE; is it READY?"
        )
    size = disk.get("SIZE", "0")
    grown = f"SIZE={size} " if size != disk.get("ORIGINAL_SIZE", size) else ""
    verb = "LN" if _is_persistent(disk) else "CLONE"
    yield f"#% {grown}FORMAT={disk.get('FORMAT') or 'raw'}"
    yield f"{verb} {_disk_tm(disk, stay)} {stay.front_end}:{source} {target} {_tail(vm, disk, stay)}"


def _move_all(vm: Vm, stay: Stay, source: tuple[str, str], target: tuple[str, str]) -> Iterator[str]:
    for disk in vm.template.vectors("DISK"):
        name = f"disk.{disk['DISK_ID']}"
        yield (
            f"MV {_disk_tm(disk, stay)} {source[0]}:{source[1]}/{name} {target[0]}:{target[1]}/{name} "
            f"{_tail(vm, disk, stay)}"
        )
    tm_mad = stay.forced_tm_mad or stay.tm_mad
    yield f"MV {tm_mad} {source[0]}:{source[1]} {target[0]}:{target[1]} {vm.id} {stay.paths.datastore_id}"


def _resume(vm: Vm, stay: Stay) -> Iterator[str]:
    yield from _move_all(vm, stay, (stay.front_end, stay.paths.on_front_end), (stay.host, stay.paths.on_host))


def _stop(vm: Vm, stay: Stay) -> Iterator[str]:
    yield from _move_all(vm, stay, (stay.host, stay.paths.on_host), (stay.front_end, stay.paths.on_front_end))


def _migrate(vm: Vm, stay: Stay) -> Iterator[str]:
    previous = stay.previous_paths or stay.paths
    yield from _move_all(vm, stay, (stay.previous_host, previous.on_host), (stay.host, stay.paths.on_host))


def _epilog_at(vm: Vm, stay: Stay, host: str, folder: str) -> Iterator[str]:
    for disk in vm.template.vectors("DISK"):
        path = f"{host}:{folder}/disk.{disk['DISK_ID']}"
        if _is_persistent(disk):
            yield f"#% FORMAT={disk.get('FORMAT') or 'raw'}"
            yield (
                f"MVDS {_disk_tm(disk, stay)} {path} {stay.front_end}:{disk.get('SOURCE', '')} "
                f"{_tail(vm, disk, stay)}"
            )
        else:
            yield f"DELETE {_disk_tm(disk, stay)} {path} {_tail(vm, disk, stay)}"
    tm_mad = stay.forced_tm_mad or stay.tm_mad
    yield f"DELETE {tm_mad} {host}:{folder} {vm.id} {stay.paths.datastore_id}"


def _epilog(vm: Vm, stay: Stay) -> Iterator[str]:
    yield from _epilog_at(vm, stay, stay.host, stay.paths.on_host)


def _epilog_front_end(vm: Vm, stay: Stay) -> Iterator[str]:
    yield from _epilog_at(vm, stay, stay.front_end, stay.paths.on_front_end)


def delete_lines(vm: Vm, stay: Stay, host: str) -> Iterator[str]:
    """Yield the lines that remove a VM's files on a host without saving any."""
    for disk in vm.template.vectors("DISK"):
        path = f"{host}:{stay.paths.disk(disk['DISK_ID'])}"
        yield f"DELETE {_disk_tm(disk, stay)} {path} {_tail(vm, disk, stay)}"
    tm_mad = stay.forced_tm_mad or stay.tm_mad
    yield f"DELETE {tm_mad} {host}:{stay.paths.on_host} {vm.id} {stay.paths.datastore_id}"


def _delete_front_end(vm: Vm, stay: Stay) -> Iterator[str]:
    tm_mad = stay.forced_tm_mad or stay.tm_mad
    yield f"DELETE {tm_mad} {stay.front_end}:{stay.paths.on_front_end} {vm.id} {stay.paths.datastore_id}"


_WRITERS: dict[str, Callable[[Vm, Stay], Iterator[str]]] = {
    Phase.PROLOG: _prolog,
    Phase.RESUME: _resume,
    Phase.STOP: _stop,
    Phase.MIGRATE: _migrate,
    Phase.EPILOG: _epilog,
    Phase.EPILOG_FRONT_END: _epilog_front_end,
    Phase.DELETE: _delete_front_end,
}


def context_line(vm: Vm, stay: Stay, context_file: str) -> str:
    """Return the line that makes the VM's context CD, empty when it has none."""
    context = vm.template.vector("CONTEXT")
    if context is None:
        return ""
    files = " ".join((context_file, *context.get("FILES", "").split()))
    tm_mad = stay.forced_tm_mad or stay.tm_mad
    target = f"{stay.host}:{stay.paths.disk(context['DISK_ID'])}"
    return f"CONTEXT {tm_mad} {files} {target} {vm.id} {stay.paths.datastore_id}\n"


def live_migration_line(vm: Vm, stay: Stay) -> str:
    """Return the line that prepares and finishes a live migration."""
    tm_mad = stay.forced_tm_mad or stay.tm_mad
    return (
        f"MIGRATE {tm_mad} {stay.previous_host} {stay.host} {stay.paths.on_host} {vm.id} "
        f"{stay.paths.datastore_id}\n"
    )
