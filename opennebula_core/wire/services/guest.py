"""From a VMM request to the guest that the contract's methods get."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final
from xml.etree.ElementTree import Element

from opennebula_core.contracts.driver import Report
from opennebula_core.contracts.vmm import Guest
from opennebula_core.errors import DriverError, XmlError
from opennebula_core.model.elements import parse_element
from opennebula_core.model.marks import ATTACHED, YES
from opennebula_core.model.numbers import whole_number
from opennebula_core.model.template import Template, Vector
from opennebula_core.wire.framing import RequestLine

NIC_NAMES: Final = ("NIC", "NIC_ALIAS", "PCI")
"""Vectors of a VM's template that may be plugged into a network."""


@dataclass(frozen=True, slots=True)
class VmmCall:
    """A VMM request, decoded.

    :param security_group_id: the group that UPDATESG is about, None where none is named
    """

    action: str
    guest: Guest
    other_host: str
    local_deployment_file: str
    checkpoint: str
    tm_command: str
    tm_rollback: str
    disk_path: str
    security_group_id: int | None = None

    def nics(self, *, marked: bool = False) -> list[Vector]:
        """Return the guest's NICs that have a driver; ``marked``: those of the hot-plug only."""
        nics = [nic for name in NIC_NAMES for nic in self.guest.template.vectors(name) if nic.get("VN_MAD")]
        return [nic for nic in nics if nic.get("ATTACH", "").upper() == "YES"] if marked else nics

    @property
    def context_path(self) -> str:
        """The file of the context CD on the host."""
        context = self.guest.template.vector("CONTEXT")
        disk_id = context.get("DISK_ID", "") if context is not None else ""
        return self.disk_path or f"{self.guest.directory}/disk.{disk_id}"

    def marked(self, *names: str, mark: str = ATTACHED) -> Vector:
        """Return the disk, NIC or snapshot that a change is about.

        :raises DriverError: none is marked
        """
        for name in names:
            for vector in self.guest.template.vectors(name):
                if vector.get(mark, "").upper() == YES:
                    return vector
        raise DriverError(
            f"{self.action} of VM {self.guest.vm_id}: no {' or '.join(names)} of its template is marked "
            f"{mark}=YES; mark the one that is meant"
        )


def read_call(request: RequestLine, report: Report) -> VmmCall:
    """Decode a request of 3.2 and later.

    :raises DriverError: its payload is damaged, or lacks the VM
    """
    where = f"{request.action} of VM {request.object_id}"
    if not request.words:
        raise DriverError(f"{where}: the payload is missing; send VMM_DRIVER_ACTION_DATA in base64")
    try:
        root = parse_element(base64.b64decode(request.words[-1], validate=True).decode("utf-8", "replace"))
    except (binascii.Error, ValueError, XmlError) as error:
        raise DriverError(f"{where}: its payload is damaged: {error}") from None
    parts = {child.tag: child for child in root}
    words = {name: (child.text or "").strip() for name, child in parts.items()}
    return VmmCall(
        action=request.action,
        guest=_guest(parts, words, request, report),
        other_host=words.get("MIGR_HOST", ""),
        local_deployment_file=words.get("LOCAL_DEPLOYMENT_FILE", ""),
        checkpoint=words.get("CHECKPOINT_FILE", ""),
        tm_command=words.get("TM_COMMAND", ""),
        tm_rollback=words.get("TM_COMMAND_ROLLBACK", ""),
        disk_path=words.get("DISK_TARGET_PATH", ""),
        security_group_id=whole_number(words.get("SECURITY_GROUP_ID", "")),
    )


def _guest(
    parts: Mapping[str, Element], words: Mapping[str, str], request: RequestLine, report: Report
) -> Guest:
    vm = parts.get("VM")
    if vm is None:
        raise DriverError(f"{request.action} of VM {request.object_id}: its payload has no VM document")
    datastore = parts.get("DATASTORE")
    holder = parts.get("HOST_DOCUMENT")
    host_document = holder.find("HOST") if holder is not None else None
    attempt = words.get("ATTEMPT", "")
    return Guest(
        vm_id=request.object_id,
        name=vm.findtext("NAME", ""),
        host=words.get("HOST", ""),
        deploy_id=words.get("DEPLOY_ID", ""),
        directory=_directory(words, datastore, vm, request.object_id),
        template=_template(vm, "TEMPLATE"),
        user_template=_template(vm, "USER_TEMPLATE"),
        document=vm,
        datastore=datastore if datastore is not None else Element("DATASTORE"),
        host_document=host_document if host_document is not None else Element("HOST"),
        attempt=int(attempt) if attempt.isdecimal() else 1,
        report=report,
    )


def _directory(words: Mapping[str, str], datastore: Element | None, vm: Element, vm_id: int) -> str:
    """Return the VM's folder: that of the files which the core names, else as the datastore says."""
    for name in ("REMOTE_DEPLOYMENT_FILE", "CHECKPOINT_FILE"):
        if path := words.get(name):
            return str(PurePosixPath(path).parent)
    if datastore is not None and (base := datastore.findtext("BASE_PATH", "").strip()):
        return str(PurePosixPath(base) / str(vm_id))
    datastore_id = vm.findtext("HISTORY_RECORDS/HISTORY[last()]/DS_ID", "0").strip()
    return f"/var/lib/one/datastores/{datastore_id}/{vm_id}"


def _template(vm: Element, name: str) -> Template:
    element = vm.find(name)
    return Template.from_element(element) if element is not None else Template()
