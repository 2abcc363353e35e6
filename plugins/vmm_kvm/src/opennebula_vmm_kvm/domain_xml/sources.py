"""Where a value of the description comes from: the VM's template, its host, the driver's defaults."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

from opennebula_core.errors import DriverError, XmlError
from opennebula_core.model.elements import parse_element
from opennebula_core.model.template import Template

QEMU_NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0"


@dataclass(frozen=True, slots=True)
class Sources:
    """The templates that are asked for a value, in this order.

    :param vm_id: for messages
    :param defaults: the driver's settings in the syntax of OpenNebula's ``vmm_exec_kvm.conf``
    """

    vm_id: int
    vm: Template
    host: Template = field(default_factory=Template)
    defaults: Template = field(default_factory=Template)

    def value(self, vector: str, attribute: str) -> str:
        """Return ``attribute`` of the vector ``vector`` from the first source that has it, else ''."""
        return _first((self.vm, self.host, self.defaults), vector, attribute)

    def default(self, vector: str, attribute: str) -> str:
        """Return a default for a disk or NIC: as :meth:`value`, but the VM itself is not asked."""
        return _first((self.host, self.defaults), vector, attribute)

    def single(self, name: str) -> str:
        """Return a value that stands alone, such as ``HYPERV_OPTIONS``; the VM itself is not asked."""
        return self.host.get(name) or self.defaults.get(name)

    def is_on(self, vector: str, attribute: str) -> bool:
        """Return whether a switch is on."""
        return is_yes(self.value(vector, attribute))

    def number(self, name: str) -> int:
        """Return a whole number of the VM's template, 0 when it is not there.

        :raises DriverError: it is no such number
        """
        text = self.vm.get(name)
        return whole_number(text, f"{name} of VM {self.vm_id}") if text else 0

    def trusted_path(self, path: str, directory: str, what: str) -> str:
        """Return ``path`` when a user may name it: a file below ``directory`` or one of TRUSTED_FOLDERS.

        The hypervisor reads such files with rights of its own and shows them to the guest.

        :param directory: the VM's folder on the host
        :raises DriverError: it is somewhere else
        """
        folders = [directory, *self.single("TRUSTED_FOLDERS").split()]
        if path == posixpath.normpath(path) and any(path.startswith(f.rstrip("/") + "/") for f in folders):
            return path
        raise DriverError(
            f"describe VM {self.vm_id}: {what} is {path!r}, outside of {', '.join(folders)}; "
            f"have its folder added to TRUSTED_FOLDERS in the driver's defaults"
        )

    @property
    def vcpus(self) -> int:
        """Virtual CPUs that the guest starts with, 1 when the template does not say."""
        return self.number("VCPU") or 1

    @property
    def is_q35(self) -> bool:
        """Whether the guest's machine is of the q35 family, which has SATA and PCI Express."""
        return "q35" in self.value("OS", "MACHINE")


def fragment(text: str, root: str, what: str) -> str:
    """Return XML that is pasted into an element ``root``, when it cannot end that element.

    :raises DriverError: it is not well-formed by itself
    """
    namespace = f"xmlns:qemu='{QEMU_NAMESPACE}'"
    try:
        parse_element(f"<{root} {namespace}>{text}</{root}>")
    except XmlError as error:
        raise DriverError(f"describe: {what} is not well-formed: {error}") from error
    return text


def is_yes(text: str) -> bool:
    """Return whether a switch of a template is on: ``YES`` in any case. Source: OpenNebula 6.10."""
    return text.strip().upper() == "YES"


def whole_number(text: str, what: str) -> int:
    """Return a number of a template.

    :raises DriverError: it is none, or negative
    """
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise DriverError(f"describe: {what} is {text!r}; write a whole number, such as 512") from None
    return number


def queues(text: str, vcpus: int) -> str:
    """Return a number of queues: ``auto`` means one for each virtual CPU."""
    return str(vcpus) if text.strip().lower() == "auto" else text


def positive(vector: Mapping[str, str], name: str) -> int:
    """Return a number above zero, 0 for anything else; limits that are no number set no limit."""
    text = vector.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _first(templates: tuple[Template, ...], vector: str, attribute: str) -> str:
    for template in templates:
        found = template.vector(vector)
        if found and found.get(attribute):
            return found[attribute]
    return ""
