"""A cloud with two hosts, an image and a network, for tests of managers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from opennebula_core.db.transaction import Transaction
from opennebula_core.managers.vm.records import open_record
from opennebula_core.model.objects import Vm
from opennebula_core.model.states import HistoryAction, LcmState, VmState
from opennebula_core.model.transitions import Place
from opennebula_core.testing.cloud import Cloud, place_of, running_cloud

State = VmState | LcmState
NO_FIRST_STAY = (VmState.INIT, VmState.PENDING, VmState.HOLD, VmState.CLONING, VmState.CLONING_FAILURE)


@dataclass
class Estate:
    """The cloud and what is in it; ``here`` and ``there`` are its hosts."""

    cloud: Cloud
    here: int
    there: int
    image_id: int
    network_id: int

    async def run(self, template: str = "") -> int:
        """Bring a VM with a disk and a NIC to RUNNING on the host ``here``."""
        return await self.cloud.run_vm(self.here, self.devices(template))

    def devices(self, more: str = "") -> str:
        """Return a template text with a disk, a NIC and a context."""
        return (
            f"DISK=[IMAGE_ID={self.image_id}]\nNIC=[NETWORK_ID={self.network_id}]\n"
            f"CONTEXT=[NETWORK=YES]\n{more}\n"
        )

    async def migrate(self, vm_id: int, *, live: bool = False, kind: int = 0) -> None:
        """Begin to move a VM to the host ``there``."""
        await self.cloud.call("one.vm.migrate", vm_id, self.there, live, False, -1, kind)

    async def recover(self, vm_id: int, operation: int) -> None:
        """Carry out a recovery operation by its number."""
        await self.cloud.call("one.vm.recover", vm_id, operation)

    async def fail(self, rule: str, message: str = "no luck") -> None:
        """Have the actions of one kind fail from now on."""
        self.cloud.behave({rule: {"failure_rate": 1.0, "message": message}})

    def place(self, vm_id: int) -> Place:
        """Return the states of a VM."""
        vm = self.cloud.vm(vm_id)
        return vm.state, vm.lcm_state

    def actions(self, vm_id: int) -> list[HistoryAction]:
        """Return what the VM's stays ended with."""
        return [record.action for record in self.cloud.vm(vm_id).history]

    def usage(self, host_id: int) -> tuple[int, int, int, int]:
        """Return what VMs take of a host: number, CPU in percent, memory in KiB, disk in MiB."""
        host = self.cloud.host(host_id)
        return host.running_vms, host.cpu_usage, host.mem_usage, host.disk_usage

    async def put(self, state: State) -> int:
        """Make a VM and write it down in a state, with the stay on the host ``here`` that belongs to it."""
        vm_id = await self.cloud.add_vm()

        def write(tx: Transaction) -> None:
            vm = tx.vms.get(vm_id)
            vm.state, vm.lcm_state = place_of(state)
            if vm.state not in NO_FIRST_STAY:
                self._add_stay(tx, vm)
            tx.vms.save(vm)

        await self.cloud.daemon.store.write(write)
        return vm_id

    def _add_stay(self, tx: Transaction, vm: Vm) -> None:
        record = open_record(tx, vm, tx.hosts.get(self.here), tx.datastores.get(0), 0, 0)
        if vm.state in (VmState.STOPPED, VmState.UNDEPLOYED, VmState.DONE):
            record.action = {
                VmState.STOPPED: HistoryAction.STOP,
                VmState.UNDEPLOYED: HistoryAction.UNDEPLOY,
            }.get(vm.state, HistoryAction.TERMINATE)
            record.etime = tx.now
            tx.hosts.book(self.here, vm, -1)


@asynccontextmanager
async def running_estate(folder: Path, **options: object) -> AsyncIterator[Estate]:
    """Run the cloud until the block ends.

    :param options: of :func:`.running_cloud`
    """
    async with running_cloud(folder, **options) as cloud:  # type: ignore[arg-type] # its own options
        yield Estate(
            cloud,
            await cloud.add_host("h1"),
            await cloud.add_host("h2"),
            await cloud.add_image("base"),
            await cloud.add_network("net"),
        )
