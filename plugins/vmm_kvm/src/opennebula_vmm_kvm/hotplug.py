"""Plugging disks and NICs into a running guest, and unplugging them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

from opennebula_core.contracts.vmm import Guest
from opennebula_core.errors import DriverError
from opennebula_vmm_kvm.lifecycle import POLL_PERIOD_S, lock_of
from opennebula_vmm_kvm.virsh import STANDARD_INPUT, Virsh, domain_name

DISKS = ("domblklist", "Target")
NICS = ("domiflist", "MAC")


class Hotplug:
    """The devices of running guests.

    :param limit: time that a guest has for letting go of a device
    """

    def __init__(self, virsh: Virsh, limit: timedelta) -> None:
        self._virsh = virsh
        self._limit = limit

    async def attach(self, guest: Guest, lines: Sequence[str], key: str) -> None:
        """Plug in a device; one with this key that is there already is left alone.

        :param lines: its description
        :param key: a disk's target, such as ``vdb``, or a NIC's MAC address
        """
        kind = DISKS if lines[0].startswith("<disk") else NICS
        if await self._row(guest, kind, key):
            guest.report.info(f"{key} is plugged in already")
            return
        name = domain_name(guest.deploy_id, guest.vm_id)
        await self._virsh.run(
            guest.host,
            ["attach-device", name, STANDARD_INPUT, "--live"],
            stdin="\n".join(lines),
            lock=lock_of(guest),
        )

    async def has_disk(self, guest: Guest, target: str) -> bool:
        """Return whether the guest has a disk with this target."""
        return bool(await self._row(guest, DISKS, target))

    async def change_medium(self, guest: Guest, target: str, path: str) -> None:
        """Put another medium into a CD drive, even one that the guest holds shut."""
        name = domain_name(guest.deploy_id, guest.vm_id)
        words = ["change-media", name, target, path, "--update", "--live", "--force"]
        await self._virsh.run(guest.host, words, lock=lock_of(guest))

    async def resize(self, guest: Guest) -> None:
        """Give the guest the CPUs and memory of its template.

        :raises DriverError: libvirt refuses, or the guest's memory grows by DIMMs
        """
        name, template = domain_name(guest.deploy_id, guest.vm_id), guest.template
        if template.get("MEMORY_RESIZE_MODE").upper() == "HOTPLUG":
            raise DriverError(
                f"resize VM {guest.vm_id}: memory is not plugged in by DIMMs; power it off, or have "
                f"MEMORY_RESIZE_MODE be BALLOONING"
            )
        if vcpus := template.get("VCPU"):
            await self._virsh.run(guest.host, ["setvcpus", name, vcpus, "--live"], lock=lock_of(guest))
        if "MEMORY_MAX" in template:
            words = ["setmem", name, f"{template.get('MEMORY')}M", "--live"]
            await self._virsh.run(guest.host, words, lock=lock_of(guest))

    async def detach_disk(self, guest: Guest, target: str) -> None:
        """Unplug a disk and wait until the guest has let go of it; one that is gone is fine."""
        name = domain_name(guest.deploy_id, guest.vm_id)
        await self._detach(guest, DISKS, target, ["detach-disk", name, target, "--live"])

    async def detach_nic(self, guest: Guest, mac: str) -> None:
        """Unplug a NIC and wait until the guest has let go of it; one that is gone is fine."""
        row = await self._row(guest, NICS, mac)
        if row:
            name = domain_name(guest.deploy_id, guest.vm_id)
            await self._detach(guest, NICS, mac, ["detach-interface", name, row[1], "--mac", mac, "--live"])

    async def _detach(self, guest: Guest, kind: tuple[str, str], key: str, words: Sequence[str]) -> None:
        deadline = time.monotonic() + self._limit.total_seconds()
        failure = "the guest does not let go of it"
        while await self._row(guest, kind, key):
            if time.monotonic() > deadline:
                raise DriverError(
                    f"unplug {key!r} from VM {guest.vm_id} on {guest.host!r}: {failure}; see whether it is "
                    f"in use there, and whether the guest heeds ACPI"
                )
            try:
                await self._virsh.run(guest.host, words, lock=lock_of(guest))
            except DriverError as error:
                failure = str(error)
            await asyncio.sleep(POLL_PERIOD_S)

    async def _row(self, guest: Guest, kind: tuple[str, str], key: str) -> list[str]:
        """Return the line of virsh's table about a device, split; empty when it is not there."""
        command, _ = kind
        name = domain_name(guest.deploy_id, guest.vm_id)
        table = await self._virsh.run(guest.host, [command, name])
        rows = (line.split() for line in table.splitlines())
        return next((row for row in rows if key.lower() in (word.lower() for word in row)), [])
