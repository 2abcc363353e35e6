"""The API methods that change VMs which are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from opennebula_core.contracts.method import Method, Mode, Need, ObjectKind, Param, Right
from opennebula_core.managers.objects import parse_text
from opennebula_core.managers.vm.changes.disks import DiskChanges
from opennebula_core.managers.vm.changes.nics import NicChanges

_VM = Param("id", int)
_TEMPLATE = Param("template", str)
_MANAGE = (Need(ObjectKind.VM, Right.MANAGE, "id"),)


@dataclass(frozen=True, slots=True)
class VmChanges:
    """The use cases."""

    disks: DiskChanges
    nics: NicChanges


def change_methods(changes: VmChanges) -> Iterable[Method]:
    """Return the methods of all changes."""
    yield _with_text("attach", changes.disks.attach, "Give a VM one more disk.")
    yield _method("detach", (Param("disk", int),), changes.disks.detach, "Take a disk out of a VM.")
    yield _with_text("attachnic", changes.nics.attach, "Give a VM one more NIC.")
    yield _method("detachnic", (Param("nic", int),), changes.nics.detach, "Take a NIC out of a VM.")


def _method(name: str, params: tuple[Param, ...], handler: Callable[..., object], doc: str) -> Method:
    return Method(f"one.vm.{name}", (_VM, *params), _MANAGE, Mode.WRITE, handler, doc)


def _with_text(name: str, handler: Callable[..., object], doc: str) -> Method:
    def prepare(vm_id: int, text: str) -> tuple[object, ...]:
        return vm_id, parse_text(text)

    return Method(f"one.vm.{name}", (_VM, _TEMPLATE), _MANAGE, Mode.WRITE, handler, doc, prepare)
