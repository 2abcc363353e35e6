"""Snapshots of whole domains, inside of their qcow2 disks."""

from __future__ import annotations

import re
from datetime import timedelta

from opennebula_core.contracts.vmm import Guest
from opennebula_core.errors import DriverError
from opennebula_core.model.template import Vector
from opennebula_vmm_kvm.lifecycle import lock_of
from opennebula_vmm_kvm.virsh import Virsh, domain_name

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*")


class Snapshots:
    """Makes, reverts to and removes them.

    :param limit: for what writes or reads a guest's memory
    """

    def __init__(self, virsh: Virsh, limit: timedelta) -> None:
        self._virsh = virsh
        self._limit = limit

    async def create(self, guest: Guest, snapshot: Vector) -> str:
        """Make one and return its name, which no other of the guest's has had."""
        name = f"snap-{snapshot.get('SNAPSHOT_ID', '0')}-{snapshot.get('TIME', '0')}"
        await self._run(guest, "snapshot-create-as", name)
        return name

    async def revert(self, guest: Guest, name: str) -> None:
        """Bring the guest back to one."""
        await self._run(guest, "snapshot-revert", name)

    async def delete(self, guest: Guest, name: str) -> None:
        """Remove one; one that is gone is fine."""
        listed = await self._virsh.run(
            guest.host, ["snapshot-list", domain_name(guest.deploy_id, guest.vm_id), "--name"]
        )
        if name in listed.split():
            await self._run(guest, "snapshot-delete", name)

    async def _run(self, guest: Guest, command: str, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise DriverError(
                f"{command} of VM {guest.vm_id}: {name!r} is no name of a snapshot; delete the snapshot"
            )
        words = [command, domain_name(guest.deploy_id, guest.vm_id), name]
        await self._virsh.run(guest.host, words, lock=lock_of(guest), timeout=self._limit)
