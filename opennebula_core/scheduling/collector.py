"""The scheduler's picture of the cloud, fetched over the API and kept up to date piecemeal."""

from __future__ import annotations

from collections.abc import Iterable

from opennebula_core.client import Client
from opennebula_core.client.client import Change
from opennebula_core.contracts.matchmaking.decisions import Migration, Placement
from opennebula_core.contracts.matchmaking.views import Cloud, PendingVm
from opennebula_core.contracts.method import ObjectKind
from opennebula_core.scheduling.inventory import Inventory
from opennebula_core.scheduling.vm_mirror import VmMirror


class Collector:
    """Collects what a round is decided upon.

    Only documented calls of OpenNebula 6.10 are made, besides those that follow a change (of ours).
    """

    def __init__(self, client: Client, *, with_active_vms: bool = False) -> None:
        self._inventory = Inventory(client)
        self._vms = VmMirror(client, with_active_vms=with_active_vms)
        self._known: frozenset[int] = frozenset()

    def reset(self) -> None:
        """Forget everything: changes were missed, or nobody reports any."""
        self._inventory.reset()
        self._vms.reset()

    def note(self, changes: Iterable[Change]) -> None:
        """Take note of what changed; it is fetched when it is needed."""
        for change in changes:
            match change.kind:
                case ObjectKind.VM:
                    self._vms.mark(change.object_id)
                case ObjectKind.USER:
                    self._vms.mark_user(change.object_id)
                case _:
                    self._inventory.mark(change.kind, change.object_id)

    def note_dispatched(self, decision: Placement | Migration) -> None:
        """Take note of what the scheduler itself did: the VM and its host are not as they were."""
        self._vms.mark(decision.vm_id)
        self._inventory.mark_hosts((decision.host_id,))

    def refresh_vms(self) -> bool:
        """Fetch the VMs that changed; return whether one waits that did not before.

        :raises ClientError: the API cannot be reached; what was noted stays noted
        """
        concerned = self._vms.refresh()
        if -1 in concerned:
            self._inventory.mark_all_hosts()
        self._inventory.mark_hosts(concerned - {-1})
        known, self._known = self._known, self._vms.waiting_ids
        return bool(self._known - known)

    def vm(self, vm_id: int) -> PendingVm:
        """Return any VM as if it waited for a host.

        :raises NotFoundError: there is none
        """
        return self._vms.fetch_one(vm_id)

    @property
    def has_waiting_vms(self) -> bool:
        """Whether there was any VM to place at the last refresh."""
        return bool(self._known)

    def cloud(self, *explained: PendingVm) -> Cloud:
        """Return the picture, fetching what else changed.

        :param explained: a VM that counts as waiting too, whatever its state
        """
        waiting = {vm.id: vm for vm in (*self._vms.waiting(), *explained)}
        vms = tuple(waiting[vm_id] for vm_id in sorted(waiting))
        return Cloud(
            vms=vms,
            hosts=self._inventory.hosts(),
            datastores=self._inventory.datastores(),
            clusters=self._inventory.clusters(),
            active_vms=self._vms.active(),
            access=self._inventory.access(),
            vm_groups=self._inventory.vm_groups() if any(vm.vm_group_id >= 0 for vm in vms) else (),
        )
