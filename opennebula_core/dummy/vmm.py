"""The dummy virtualisation driver: guests that are files."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from opennebula_core.contracts.driver import DriverContext, Option
from opennebula_core.contracts.vmm import Guest, GuestState, VmmAction, VmmDriver
from opennebula_core.dummy.behaviour import OPTIONS, Act, Behaviour
from opennebula_core.dummy.guests import DummyGuest, GuestFiles
from opennebula_core.errors import DriverError
from opennebula_core.model.template import Vector


class DummyVmm(VmmDriver):
    """Runs guests that do nothing, on hosts that need not exist."""

    options: ClassVar[tuple[Option, ...]] = OPTIONS
    transfer_driver = "dummy"
    optional_actions: ClassVar[frozenset[VmmAction]] = frozenset(
        {
            VmmAction.SAVE,
            VmmAction.RESTORE,
            VmmAction.MIGRATE,
            VmmAction.REBOOT,
            VmmAction.RESET,
            VmmAction.ATTACHDISK,
            VmmAction.DETACHDISK,
            VmmAction.ATTACHNIC,
            VmmAction.DETACHNIC,
            VmmAction.UPDATECONF,
            VmmAction.RESIZE,
            VmmAction.RESIZEDISK,
            VmmAction.SNAPSHOTCREATE,
            VmmAction.SNAPSHOTREVERT,
            VmmAction.SNAPSHOTDELETE,
            VmmAction.DISKSNAPSHOTCREATE,
        }
    )

    def __init__(self, context: DriverContext) -> None:
        super().__init__(context)
        self._guests = GuestFiles(context.location)
        self._behaviour = Behaviour("vmm", self)

    async def deploy(self, guest: Guest, description: str) -> str:
        """Write the guest's file."""
        await self._before(VmmAction.DEPLOY, guest)
        deploy_id = f"one-{guest.vm_id}"
        if self._guests.read(guest.host, deploy_id) is None:
            self._guests.create(guest.host, _new(guest, deploy_id, description))
        return deploy_id

    async def shutdown(self, guest: Guest) -> None:
        """Remove the guest's file."""
        await self._before(VmmAction.SHUTDOWN, guest)
        self._guests.remove(guest.host, _deploy_id(guest))

    async def cancel(self, guest: Guest) -> None:
        """Remove the guest's file and its checkpoint."""
        await self._before(VmmAction.CANCEL, guest)
        self._guests.remove(guest.host, _deploy_id(guest))
        self._guests.forget(guest.vm_id)

    async def poll(self, guest: Guest) -> GuestState:
        """Return what the guest's file says."""
        await self._before(VmmAction.POLL, guest)
        found = self._guests.read(guest.host, _deploy_id(guest))
        return found.state if found is not None else GuestState.POWEROFF

    async def save(self, guest: Guest, checkpoint: str) -> None:
        """Turn the guest's file into a checkpoint."""
        await self._before(VmmAction.SAVE, guest)
        found = self._guests.read(guest.host, _deploy_id(guest))
        if found is not None:
            self._guests.save(found)
            self._guests.remove(guest.host, found.deploy_id)
        elif self._guests.saved(guest.vm_id) is None:
            raise _missing("save", guest)

    async def restore(self, guest: Guest, checkpoint: str) -> str:
        """Turn the checkpoint into a guest's file on the host."""
        await self._before(VmmAction.RESTORE, guest)
        deploy_id = _deploy_id(guest)
        if self._guests.read(guest.host, deploy_id) is None:
            saved = self._guests.saved(guest.vm_id)
            if saved is None:
                raise DriverError(
                    f"restore VM {guest.vm_id} on {guest.host!r}: there is no checkpoint; deploy it instead"
                )
            self._guests.change(guest.host, replace(saved, deploy_id=deploy_id))
        self._guests.forget(guest.vm_id)
        return deploy_id

    async def migrate(self, guest: Guest, destination: str) -> None:
        """Move the guest's file to the other host's folder."""
        await self._before(VmmAction.MIGRATE, guest)
        deploy_id = _deploy_id(guest)
        moved = self._guests.move(guest.host, destination, deploy_id)
        if not moved and self._guests.read(destination, deploy_id) is None:
            raise _missing("migrate", guest)

    async def reboot(self, guest: Guest) -> None:
        """Begin the guest's uptime anew."""
        await self._restart(VmmAction.REBOOT, guest)

    async def reset(self, guest: Guest) -> None:
        """Begin the guest's uptime anew."""
        await self._restart(VmmAction.RESET, guest)

    async def attach_disk(self, guest: Guest, disk: Vector, path: str) -> None:
        """Note the disk in the guest's file."""
        found = await self._running(VmmAction.ATTACHDISK, guest)
        disks = _with(found.disks, disk.get("DISK_ID", path))
        self._guests.change(guest.host, replace(found, disks=disks))

    async def has_disk(self, guest: Guest, disk: Vector) -> bool:
        """Return whether the guest's file names the disk."""
        found = self._guests.read(guest.host, _deploy_id(guest))
        return found is not None and disk.get("DISK_ID", "") in found.disks

    async def detach_disk(self, guest: Guest, disk: Vector) -> None:
        """Strike the disk from the guest's file."""
        found = await self._running(VmmAction.DETACHDISK, guest)
        disks = _without(found.disks, disk.get("DISK_ID", ""))
        self._guests.change(guest.host, replace(found, disks=disks))

    async def attach_nic(self, guest: Guest, nic: Vector) -> None:
        """Note the NIC in the guest's file."""
        found = await self._running(VmmAction.ATTACHNIC, guest)
        self._guests.change(guest.host, replace(found, nics=_with(found.nics, nic.get("NIC_ID", ""))))

    async def detach_nic(self, guest: Guest, nic: Vector) -> None:
        """Strike the NIC from the guest's file."""
        found = await self._running(VmmAction.DETACHNIC, guest)
        self._guests.change(guest.host, replace(found, nics=_without(found.nics, nic.get("NIC_ID", ""))))

    async def reconfigure(self, guest: Guest, context: Vector, path: str) -> None:
        """Look at no CD."""
        await self._before(VmmAction.UPDATECONF, guest)

    async def snapshot_create(self, guest: Guest, snapshot: Vector) -> str:
        """Keep nothing of the guest, whose memory is empty."""
        await self._running(VmmAction.SNAPSHOTCREATE, guest)
        return f"snap-{snapshot.get('SNAPSHOT_ID', '0')}"

    async def snapshot_revert(self, guest: Guest, hypervisor_id: str) -> None:
        """Begin the guest's uptime anew."""
        await self._restart(VmmAction.SNAPSHOTREVERT, guest)

    async def snapshot_delete(self, guest: Guest, hypervisor_id: str) -> None:
        """Remove nothing."""
        await self._running(VmmAction.SNAPSHOTDELETE, guest)

    async def freeze(self, guest: Guest) -> None:
        """Note in the guest's file that it is held still."""
        found = await self._running(VmmAction.DISKSNAPSHOTCREATE, guest)
        self._guests.change(guest.host, replace(found, state=GuestState.SUSPENDED))

    async def thaw(self, guest: Guest) -> None:
        """Note in the guest's file that it goes on."""
        found = self._guests.read(guest.host, _deploy_id(guest))
        if found is None:
            raise _missing("thaw", guest)
        self._guests.change(guest.host, replace(found, state=GuestState.RUNNING))

    async def resize_disk(self, guest: Guest, disk: Vector, size_mib: int) -> None:
        """Grow nothing."""
        await self._running(VmmAction.RESIZEDISK, guest)

    async def resize(self, guest: Guest) -> None:
        """Note the memory in the guest's file."""
        found = await self._running(VmmAction.RESIZE, guest)
        cpu, memory = _number(guest.template.get("CPU"), 1.0), _number(guest.template.get("MEMORY"), 128.0)
        self._guests.change(guest.host, replace(found, cpu=cpu, memory_mib=int(memory)))

    async def _before(self, action: VmmAction, guest: Guest) -> None:
        await self._behaviour.before(Act(action, guest.vm_id, guest.host, guest.attempt))

    async def _running(self, action: VmmAction, guest: Guest) -> DummyGuest:
        await self._before(action, guest)
        found = self._guests.read(guest.host, _deploy_id(guest))
        if found is None:
            raise _missing(action.lower(), guest)
        return found

    async def _restart(self, action: VmmAction, guest: Guest) -> None:
        found = await self._running(action, guest)
        self._guests.change(guest.host, replace(found, started_at=int(time.time())))


def _new(guest: Guest, deploy_id: str, description: str) -> DummyGuest:
    return DummyGuest(
        vm_id=guest.vm_id,
        name=guest.name,
        deploy_id=deploy_id,
        state=GuestState.RUNNING,
        cpu=_number(guest.template.get("CPU"), 1.0),
        memory_mib=int(_number(guest.template.get("MEMORY"), 128.0)),
        started_at=int(time.time()),
        disks=_ids(guest.template.vectors("DISK"), "DISK_ID"),
        nics=_ids(guest.template.vectors("NIC"), "NIC_ID"),
        description=description,
    )


def _deploy_id(guest: Guest) -> str:
    return guest.deploy_id or f"one-{guest.vm_id}"


def _ids(vectors: Iterable[Vector], name: str) -> tuple[str, ...]:
    return tuple(vector[name] for vector in vectors if name in vector)


def _with(items: tuple[str, ...], item: str) -> tuple[str, ...]:
    return items if item in items else (*items, item)


def _without(items: tuple[str, ...], item: str) -> tuple[str, ...]:
    return tuple(each for each in items if each != item)


def _number(text: str, default: float) -> float:
    try:
        return float(text)
    except ValueError:
        return default


def _missing(action: str, guest: Guest) -> DriverError:
    return DriverError(
        f"{action} VM {guest.vm_id} on {guest.host!r}: no guest {_deploy_id(guest)!r} runs there; "
        f"recover the VM"
    )
