"""The lines that bring one disk of a VM to its host, and take it away."""

from __future__ import annotations

from collections.abc import Iterator

from opennebula_core.errors import DriverError
from opennebula_core.managers.transfer.lines import (
    Stay,
    datastore_of,
    disk_driver,
    is_persistent,
    is_volatile,
    line,
    pragma,
    system_driver,
)
from opennebula_core.model.objects import Vm
from opennebula_core.model.template import Vector


def bring(vm: Vm, disk: Vector, stay: Stay) -> Iterator[str]:
    """Yield the lines that make a disk on the host.

    :raises DriverError: its image has no source
    """
    target = f"{stay.host}:{stay.paths.disk(disk['DISK_ID'])}"
    if is_volatile(disk):
        yield _volatile(vm, disk, target, stay)
    else:
        yield from _from_image(vm, disk, target, stay)


def _volatile(vm: Vm, disk: Vector, target: str, stay: Stay) -> str:
    size, tail = disk.get("SIZE", ""), (target, vm.id, stay.paths.datastore_id)
    if disk.get("TYPE", "").lower() == "swap":
        return line("MKSWAP", system_driver(stay), size, *tail)
    made = disk.get("FS") or disk.get("FORMAT") or "raw"
    return line("MKIMAGE", system_driver(stay), size, made, *tail)


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
    yield pragma(**facts)
    verb = "LN" if is_persistent(disk) else "CLONE"
    origin = f"{stay.front_end}:{source}"
    yield line(verb, disk_driver(disk, stay), origin, target, vm.id, datastore_of(disk, stay))


def take_away(vm: Vm, disk: Vector, stay: Stay, folder: str) -> Iterator[str]:
    """Yield the lines that write a disk back to its image, or remove it.

    :param folder: where it is, as ``host:path``
    """
    path, tail = f"{folder}/disk.{disk['DISK_ID']}", (vm.id, datastore_of(disk, stay))
    if is_persistent(disk):
        yield pragma(FORMAT=disk.get("FORMAT") or "raw")
        yield line("MVDS", disk_driver(disk, stay), path, f"{stay.front_end}:{disk.get('SOURCE', '')}", *tail)
    else:
        yield line("DELETE", disk_driver(disk, stay), path, *tail)
