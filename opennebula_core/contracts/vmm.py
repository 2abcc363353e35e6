"""The contract of virtualisation drivers: what a VMM driver must do with a guest on a host."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar
from xml.etree.ElementTree import Element

from opennebula_core.contracts.driver import Driver, Report, SilentReport
from opennebula_core.model.template import Template, Vector


class VmmAction(StrEnum):
    """The actions of the ASCII protocol. Source: OpenNebula 6.10 protocol; DESCRIBE and POLL see below."""

    DEPLOY = "DEPLOY"
    SHUTDOWN = "SHUTDOWN"
    CANCEL = "CANCEL"
    SAVE = "SAVE"
    RESTORE = "RESTORE"
    MIGRATE = "MIGRATE"
    REBOOT = "REBOOT"
    RESET = "RESET"
    POLL = "POLL"
    CLEANUP = "CLEANUP"
    ATTACHDISK = "ATTACHDISK"
    DETACHDISK = "DETACHDISK"
    ATTACHNIC = "ATTACHNIC"
    DETACHNIC = "DETACHNIC"
    UPDATECONF = "UPDATECONF"
    RESIZE = "RESIZE"
    RESIZEDISK = "RESIZEDISK"
    SNAPSHOTCREATE = "SNAPSHOTCREATE"
    SNAPSHOTREVERT = "SNAPSHOTREVERT"
    SNAPSHOTDELETE = "SNAPSHOTDELETE"
    DISKSNAPSHOTCREATE = "DISKSNAPSHOTCREATE"
    UPDATESG = "UPDATESG"
    DESCRIBE = "DESCRIBE"
    """Ours: return the deployment description, base64; never sent to an ``executable`` driver."""


class GuestState(StrEnum):
    """State of a guest on its host, in the words of monitoring. Source: OpenNebula 6.x STATE_VM messages."""

    RUNNING = "RUNNING"
    POWEROFF = "POWEROFF"
    SUSPENDED = "SUSPENDED"
    FAILURE = "FAILURE"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Guest:
    """A VM as its driver sees it during one action.

    :param host: the host it is on, or shall be on
    :param deploy_id: what :meth:`VmmDriver.deploy` returned; empty before the first deploy
    :param directory: the VM's folder on the host, ``<datastores>/<system datastore>/<vm id>``
    :param template: the VM's TEMPLATE, as in ``one.vm.info``
    :param document: the whole VM document, root element ``VM``
    :param datastore: the system datastore's document, root element ``DATASTORE``
    :param host_document: the HOST document when it is known (DESCRIBE only), else an empty element
    :param attempt: 1, or more when the core sends the request again after a crash
    """

    vm_id: int
    name: str
    host: str
    deploy_id: str
    directory: str
    template: Template
    user_template: Template
    document: Element
    datastore: Element
    host_document: Element = field(default_factory=lambda: Element("HOST"))
    attempt: int = 1
    report: Report = field(default_factory=SilentReport)


class VmmDriver(Driver):
    """Runs guests with one virtualisation technology.

    Every action may arrive twice (the core delivers at least once): an action whose effect is already
    there succeeds. Failures are :class:`~opennebula_core.errors.DriverError`.
    """

    optional_actions: ClassVar[frozenset[VmmAction]] = frozenset()
    """Which of the optional methods below the driver implements; the core refuses the others early."""

    transfer_driver: ClassVar[str] = ""
    """The TM driver that its hosts need whatever their datastores say; empty: the datastores decide."""

    def describe(self, guest: Guest) -> Awaitable[str] | str:
        """Return the deployment description for the guest, such as a libvirt domain.

        Called before every deploy, on the front-end; contacts no host. The default is the VM's template.
        """
        return guest.template.to_text()

    @abstractmethod
    def deploy(self, guest: Guest, description: str) -> Awaitable[str] | str:
        """Start the guest and return its deploy id, one word, such as ``one-7``.

        A guest that runs already is left alone and its id returned.

        :param description: the deployment description, possibly changed by hooks
        """

    @abstractmethod
    def shutdown(self, guest: Guest) -> Awaitable[None] | None:
        """Ask the guest to power off and wait until it has; one that is gone counts as shut down.

        :raises DriverError: the guest still runs after the driver's time limit
        """

    @abstractmethod
    def cancel(self, guest: Guest) -> Awaitable[None] | None:
        """End the guest at once; one that is gone counts as ended."""

    @abstractmethod
    def poll(self, guest: Guest) -> Awaitable[GuestState] | GuestState:
        """Return the state of the guest on its host; POWEROFF when there is no such guest."""

    def save(self, guest: Guest, checkpoint: str) -> Awaitable[None] | None:
        """Write the guest's memory to the file ``checkpoint`` on its host and end it (optional, SAVE).

        A guest that is gone while a complete checkpoint is there counts as saved.
        """
        raise NotImplementedError

    def restore(self, guest: Guest, checkpoint: str) -> Awaitable[str] | str:
        """Start the guest from ``checkpoint`` on ``guest.host`` and return its deploy id (optional, RESTORE).

        The checkpoint may come from another host. A guest that runs already counts as restored.
        """
        raise NotImplementedError

    def migrate(self, guest: Guest, destination: str) -> Awaitable[None] | None:
        """Move the running guest to the host ``destination`` without stopping it (optional, MIGRATE).

        A guest that runs there already, and not here, counts as moved.
        """
        raise NotImplementedError

    def reboot(self, guest: Guest) -> Awaitable[None] | None:
        """Ask the guest to restart (optional, REBOOT). Sent at most once."""
        raise NotImplementedError

    def reset(self, guest: Guest) -> Awaitable[None] | None:
        """Press the guest's reset button (optional, RESET). Sent at most once."""
        raise NotImplementedError

    def attach_disk(self, guest: Guest, disk: Vector, path: str) -> Awaitable[None] | None:
        """Plug the disk file ``path`` into the running guest (optional, ATTACHDISK)."""
        raise NotImplementedError

    def has_disk(self, guest: Guest, disk: Vector) -> Awaitable[bool] | bool:
        """Return whether the disk is plugged into the running guest; part of ATTACHDISK.

        Asked before an ATTACHDISK is repeated, and after one that failed: the file of a disk that a guest
        uses must be neither made anew nor removed. The default says that nothing is plugged in.
        """
        return False

    def detach_disk(self, guest: Guest, disk: Vector) -> Awaitable[None] | None:
        """Unplug a disk from the running guest (optional, DETACHDISK)."""
        raise NotImplementedError

    def reconfigure(self, guest: Guest, context: Vector, path: str) -> Awaitable[None] | None:
        """Have the running guest see its new context CD.

        Called when the file ``path`` has been made anew. The default leaves it to the guest's next boot.

        :param context: the CONTEXT of its template, with the CD's TARGET
        """
        return None

    def attach_nic(self, guest: Guest, nic: Vector) -> Awaitable[None] | None:
        """Plug a NIC into the running guest (optional, ATTACHNIC)."""
        raise NotImplementedError

    def detach_nic(self, guest: Guest, nic: Vector) -> Awaitable[None] | None:
        """Unplug a NIC from the running guest (optional, DETACHNIC)."""
        raise NotImplementedError

    def resize_disk(self, guest: Guest, disk: Vector, size_mib: int) -> Awaitable[None] | None:
        """Grow a disk of the running guest, file and all; one that is as large is left alone (RESIZEDISK)."""
        raise NotImplementedError

    def snapshot_create(self, guest: Guest, snapshot: Vector) -> Awaitable[str] | str:
        """Keep memory and disks of the running guest as they are now (optional, SNAPSHOTCREATE).

        Sent at most once.

        :param snapshot: with SNAPSHOT_ID, NAME and TIME; no two of a VM have the same id and time
        :returns: what the hypervisor calls it, one word
        """
        raise NotImplementedError

    def snapshot_revert(self, guest: Guest, hypervisor_id: str) -> Awaitable[None] | None:
        """Bring the running guest back to a snapshot (optional, SNAPSHOTREVERT)."""
        raise NotImplementedError

    def snapshot_delete(self, guest: Guest, hypervisor_id: str) -> Awaitable[None] | None:
        """Remove a snapshot; one that is gone is fine (optional, SNAPSHOTDELETE)."""
        raise NotImplementedError

    def freeze(self, guest: Guest) -> Awaitable[None] | None:
        """Hold the running guest still, with all that it has written on its disks (DISKSNAPSHOTCREATE).

        One that is held already is left so. A transfer driver copies a disk then; :meth:`thaw` follows,
        whatever becomes of that.
        """
        raise NotImplementedError

    def thaw(self, guest: Guest) -> Awaitable[None] | None:
        """Let the guest go on; one that runs is left alone (part of DISKSNAPSHOTCREATE)."""
        raise NotImplementedError

    def resize(self, guest: Guest) -> Awaitable[None] | None:
        """Give the running guest the MEMORY and VCPU that its template says now (optional, RESIZE)."""
        raise NotImplementedError
