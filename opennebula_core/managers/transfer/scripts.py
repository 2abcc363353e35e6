"""Transfer scripts, one for each phase, in the grammar of OpenNebula 6.10.

A line that starts with ``#%`` says what the verbs do not: sizes, formats, the attempt. Other drivers read it
as a comment. Source of verbs and order: transfer files written by OpenNebula 6.10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

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
    :param previous_host: where the VM comes from, for migrations; its system datastore may be another one
    """

    host: str
    front_end: str
    paths: VmPaths
    tm_mad: str
    forced_tm_mad: str = ""
    previous_host: str = ""
    previous_paths: VmPaths | None = None
    previous_tm_mad: str = ""


def write_script(phase: str, vm: Vm, stay: Stay, attempt: int) -> str:
    """Return the text of a phase's script.

    :raises DriverError: a disk lacks what the phase needs
    """
    lines = list(_WRITERS[phase](vm, stay))
    head = [f"#% ATTEMPT={attempt}"] if attempt > 1 else []
    return "\n".join((*head, *lines, ""))


def _line(verb: str, *words: object) -> str:
    """Return a line of a script. What templates give ends up here, and the grammar has no quoting.

    :raises DriverError: a word is empty or has blanks, which would make it another command
    """
    texts = [str(word) for word in words]
    for text in texts:
        if not text or len(text.split()) != 1 or text.split()[0] != text:
            raise DriverError(
                f"{verb}: {text!r} cannot stand in a transfer script; correct the VM's template"
            )
    return " ".join((verb, *texts))


def _pragma(**facts: str) -> str:
    return _line("#%", *(f"{name}={value}" for name, value in facts.items()))


def _system_tm(stay: Stay) -> str:
    return stay.forced_tm_mad or stay.tm_mad


def _disk_tm(disk: Vector, stay: Stay) -> str:
    return stay.forced_tm_mad or disk.get("TM_MAD") or stay.tm_mad


def _datastore(disk: Vector, stay: Stay) -> str | int:
    return disk.get("DATASTORE_ID") or stay.paths.datastore_id


def _is_persistent(disk: Vector) -> bool:
    return disk.get("SAVE", "").upper() == "YES"


def _is_volatile(disk: Vector) -> bool:
    return "IMAGE_ID" not in disk


def _prolog(vm: Vm, stay: Stay) -> Iterator[str]:
    for disk in vm.template.vectors("DISK"):
        target = f"{stay.host}:{stay.paths.disk(disk['DISK_ID'])}"
        if _is_volatile(disk):
            yield _volatile(vm, disk, target, stay)
        else:
            yield from _from_image(vm, disk, target, stay)


def _volatile(vm: Vm, disk: Vector, target: str, stay: Stay) -> str:
    size, tail = disk.get("SIZE", ""), (target, vm.id, stay.paths.datastore_id)
    if disk.get("TYPE", "").lower() == "swap":
        return _line("MKSWAP", _system_tm(stay), size, *tail)
    made = disk.get("FS") or disk.get("FORMAT") or "raw"
    return _line("MKIMAGE", _system_tm(stay), size, made, *tail)


def _from_image(vm: Vm, disk: Vector, target: str, stay: Stay) -> Iterator[str]:
    source = disk.get("SOURCE", "")
    if not source:
        raise DriverError(
            f"VM {vm.id}, disk {disk['DISK_ID']}: image {disk.get('IMAGE_ID')} has no SOURCE; is it READY?"
        )
    facts = {"FORMAT": disk.get("FORMAT") or "raw"}
    size = disk.get("SIZE", "0")
    if size != disk.get("ORIGINAL_SIZE", size):
        facts = {"SIZE": size, **facts}
    yield _pragma(**facts)
    verb = "LN" if _is_persistent(disk) else "CLONE"
    origin = f"{stay.front_end}:{source}"
    yield _line(verb, _disk_tm(disk, stay), origin, target, vm.id, _datastore(disk, stay))


def _move_all(vm: Vm, stay: Stay, source: str, target: str) -> Iterator[str]:
    for disk in vm.template.vectors("DISK"):
        name = f"disk.{disk['DISK_ID']}"
        ends = f"{source}/{name}", f"{target}/{name}"
        yield _line("MV", _disk_tm(disk, stay), *ends, vm.id, _datastore(disk, stay))
    yield _line("MV", _system_tm(stay), source, target, vm.id, stay.paths.datastore_id)


def _on_host(stay: Stay) -> str:
    return f"{stay.host}:{stay.paths.on_host}"


def _on_front_end(stay: Stay) -> str:
    return f"{stay.front_end}:{stay.paths.on_front_end}"


def _resume(vm: Vm, stay: Stay) -> Iterator[str]:
    waiting = stay.previous_paths or stay.paths  # they were stopped in the datastore of the last stay
    yield from _move_all(vm, stay, f"{stay.front_end}:{waiting.on_front_end}", _on_host(stay))


def _stop(vm: Vm, stay: Stay) -> Iterator[str]:
    yield from _move_all(vm, stay, _on_host(stay), _on_front_end(stay))


def _migrate(vm: Vm, stay: Stay) -> Iterator[str]:
    previous = stay.previous_paths or stay.paths
    yield from _move_all(vm, stay, f"{stay.previous_host}:{previous.on_host}", _on_host(stay))


def _epilog_at(vm: Vm, stay: Stay, folder: str) -> Iterator[str]:
    for disk in vm.template.vectors("DISK"):
        path, tail = f"{folder}/disk.{disk['DISK_ID']}", (vm.id, _datastore(disk, stay))
        if _is_persistent(disk):
            yield _pragma(FORMAT=disk.get("FORMAT") or "raw")
            yield _line(
                "MVDS", _disk_tm(disk, stay), path, f"{stay.front_end}:{disk.get('SOURCE', '')}", *tail
            )
        else:
            yield _line("DELETE", _disk_tm(disk, stay), path, *tail)
    yield _line("DELETE", _system_tm(stay), folder, vm.id, stay.paths.datastore_id)


def _epilog(vm: Vm, stay: Stay) -> Iterator[str]:
    yield from _epilog_at(vm, stay, _on_host(stay))


def _epilog_front_end(vm: Vm, stay: Stay) -> Iterator[str]:
    yield from _epilog_at(vm, stay, _on_front_end(stay))


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
        yield _line("DELETE", _disk_tm(disk, stay), path, vm.id, _datastore(disk, stay))
    folder = f"{host}:{stay.paths.on_host}"
    yield _line("DELETE", _system_tm(stay), folder, vm.id, stay.paths.datastore_id)


def _delete_front_end(vm: Vm, stay: Stay) -> Iterator[str]:
    """Yield the lines that remove what waits on the front-end, or has come there, or was on its way."""
    for paths in dict.fromkeys((stay.paths, stay.previous_paths or stay.paths)):
        folder = f"{stay.front_end}:{paths.on_front_end}"
        yield _line("DELETE", _system_tm(stay), folder, vm.id, paths.datastore_id)


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
    files = (context_file, *context.get("FILES", "").split())
    target = f"{stay.host}:{stay.paths.disk(context['DISK_ID'])}"
    return _line("CONTEXT", _system_tm(stay), *files, target, vm.id, stay.paths.datastore_id) + "\n"


def live_migration_line(vm: Vm, stay: Stay) -> str:
    """Return the line that prepares and finishes a live migration."""
    places = stay.previous_host, stay.host, stay.paths.on_host
    return _line("MIGRATE", _system_tm(stay), *places, vm.id, stay.paths.datastore_id) + "\n"
