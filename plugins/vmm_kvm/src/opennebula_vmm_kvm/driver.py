"""The KVM driver: each action of the contract, through libvirt on the guest's host."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import ClassVar

from opennebula_core.contracts.driver import DriverContext
from opennebula_core.contracts.vmm import Guest, GuestState, VmmAction, VmmDriver
from opennebula_core.errors import ConfigError
from opennebula_core.model.template import Vector
from opennebula_core.remote import Remote, RemoteOptions
from opennebula_vmm_kvm.acceleration import Acceleration
from opennebula_vmm_kvm.domain_xml import describe, disk_lines, nic_lines, sources_of
from opennebula_vmm_kvm.hotplug import Hotplug
from opennebula_vmm_kvm.lifecycle import Lifecycle, lock_of
from opennebula_vmm_kvm.migration import Migration, MigrationSettings
from opennebula_vmm_kvm.options import OPTIONS, merged_defaults
from opennebula_vmm_kvm.snapshots import Snapshots
from opennebula_vmm_kvm.virsh import Virsh, domain_name

ACCELERATIONS = ("auto", "kvm", "qemu")


class KvmDriver(VmmDriver):
    """Runs VMs on KVM through libvirt's ``virsh``; on hosts whose KVM runs no guests, under emulation."""

    options = OPTIONS
    optional_actions = frozenset(
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
    forced_acceleration: ClassVar[str] = ""
    """Takes the place of the option ``acceleration`` in drivers that leave no choice."""

    def __init__(self, context: DriverContext) -> None:
        super().__init__(context)
        self._defaults = merged_defaults(str(self.setting("defaults")))
        self._accelerated_by = self.forced_acceleration or str(self.setting("acceleration"))
        if self._accelerated_by not in ACCELERATIONS:
            raise ConfigError(
                f"option 'acceleration' of {context.name}: {self._accelerated_by!r} is none of "
                f"{', '.join(ACCELERATIONS)}; correct it"
            )
        self._remote = Remote(RemoteOptions.from_driver(self))
        self._virsh = Virsh(
            self._remote, str(self.setting("libvirt_uri")), self._seconds("command_timeout_s")
        )
        acceleration = Acceleration(self._virsh)
        self._lifecycle = Lifecycle(self._virsh, acceleration, self._seconds("memory_timeout_s"))
        self._hotplug = Hotplug(self._virsh, self._seconds("detach_timeout_s"))
        self._snapshots = Snapshots(self._virsh, self._seconds("memory_timeout_s"))
        self._migration = MigrationSettings(
            uri=str(self.setting("migration_uri")),
            has_shared_storage=bool(self.setting("shared_storage")),
            flags=str(self.setting("migration_flags")).split(),
            timeout=self._seconds("memory_timeout_s"),
        )

    def describe(self, guest: Guest) -> str:
        """Return the guest's libvirt domain; whether the host has KVM is found out when it is deployed."""
        domain_type = "qemu" if self._accelerated_by == "qemu" else "kvm"
        return describe(guest, self._defaults, domain_type=domain_type, now=datetime.now(UTC))

    async def deploy(self, guest: Guest, description: str) -> str:
        """Create the domain; one that runs already is left alone, one that is dead makes room."""
        is_emulated = None if self._accelerated_by == "auto" else self._accelerated_by == "qemu"
        return await self._lifecycle.deploy(guest, description, is_emulated=is_emulated)

    async def shutdown(self, guest: Guest) -> None:
        """Press the power button, again every few seconds, until the guest is off."""
        await self._lifecycle.shutdown(guest, self._seconds("shutdown_timeout_s"))

    async def cancel(self, guest: Guest) -> None:
        """Destroy the domain."""
        await self._virsh.cancel(guest.host, domain_name(guest.deploy_id, guest.vm_id), lock_of(guest))

    async def poll(self, guest: Guest) -> GuestState:
        """Return what libvirt says of the domain."""
        state = await self._virsh.state(guest.host, domain_name(guest.deploy_id, guest.vm_id))
        return state.as_guest_state()

    async def save(self, guest: Guest, checkpoint: str) -> None:
        """Save the domain; the file has its name only when it is complete."""
        await self._lifecycle.save(guest, checkpoint)

    async def restore(self, guest: Guest, checkpoint: str) -> str:
        """Restore the domain and remove the file, which fits the disks no more."""
        return await self._lifecycle.restore(guest, checkpoint)

    async def migrate(self, guest: Guest, destination: str) -> None:
        """Move the guest live, with its disks unless the option ``shared_storage`` is on."""
        await Migration(self._virsh, self._migration, guest, destination).run()

    async def reboot(self, guest: Guest) -> None:
        """Press the power button and start the guest again when it is off."""
        await self._act(guest, "reboot", "--mode", "acpi")

    async def reset(self, guest: Guest) -> None:
        """Press the reset button."""
        await self._act(guest, "reset")

    async def attach_disk(self, guest: Guest, disk: Vector, path: str) -> None:
        """Plug in a disk under its TARGET."""
        lines = disk_lines(sources_of(guest, self._defaults), disk, path)
        await self._hotplug.attach(guest, lines, disk["TARGET"])

    async def has_disk(self, guest: Guest, disk: Vector) -> bool:
        """Return whether the domain has a disk with this TARGET."""
        return await self._hotplug.has_disk(guest, disk.get("TARGET", ""))

    async def detach_disk(self, guest: Guest, disk: Vector) -> None:
        """Unplug the disk with this TARGET."""
        await self._hotplug.detach_disk(guest, disk.get("TARGET", ""))

    async def reconfigure(self, guest: Guest, context: Vector, path: str) -> None:
        """Put the new context CD into the guest's drive."""
        await self._hotplug.change_medium(guest, context.get("TARGET", ""), path)

    async def attach_nic(self, guest: Guest, nic: Vector) -> None:
        """Plug in a NIC; its MAC tells it from others."""
        lines = nic_lines(sources_of(guest, self._defaults), nic, guest.directory)
        await self._hotplug.attach(guest, lines, nic.get("MAC", ""))

    async def detach_nic(self, guest: Guest, nic: Vector) -> None:
        """Unplug the NIC with this MAC."""
        await self._hotplug.detach_nic(guest, nic.get("MAC", ""))

    async def snapshot_create(self, guest: Guest, snapshot: Vector) -> str:
        """Write memory and disks into the guest's qcow2 disks; other disks cannot take them."""
        return await self._snapshots.create(guest, snapshot)

    async def snapshot_revert(self, guest: Guest, hypervisor_id: str) -> None:
        """Bring the domain back to a snapshot, running."""
        await self._snapshots.revert(guest, hypervisor_id)

    async def snapshot_delete(self, guest: Guest, hypervisor_id: str) -> None:
        """Remove a snapshot from the guest's disks."""
        await self._snapshots.delete(guest, hypervisor_id)

    async def freeze(self, guest: Guest) -> None:
        """Pause the domain; QEMU writes all that it holds back to the disks first."""
        await self._lifecycle.freeze(guest)

    async def thaw(self, guest: Guest) -> None:
        """Have the paused domain go on."""
        await self._lifecycle.thaw(guest)

    async def resize_disk(self, guest: Guest, disk: Vector, size_mib: int) -> None:
        """Have QEMU grow the disk with this TARGET."""
        await self._act(guest, "blockresize", disk.get("TARGET", ""), f"{size_mib}M")

    async def resize(self, guest: Guest) -> None:
        """Give the domain other CPUs, and memory by its balloon; shares of CPU change at its next start."""
        await self._hotplug.resize(guest)

    async def close(self) -> None:
        """Close the connections to hosts."""
        await self._remote.close()

    async def _act(self, guest: Guest, *words: str) -> None:
        name = domain_name(guest.deploy_id, guest.vm_id)
        await self._virsh.run(guest.host, [words[0], name, *words[1:]], lock=lock_of(guest))

    def _seconds(self, name: str) -> timedelta:
        return timedelta(seconds=int(self.setting(name)))


class QemuDriver(KvmDriver):
    """Runs VMs under QEMU's emulation, on any host."""

    forced_acceleration = "qemu"
