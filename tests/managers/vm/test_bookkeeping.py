"""What VMs hold of hosts, networks and images is right after any sequence of actions and failures."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from opennebula_core.db.transaction import Snapshot
from opennebula_core.errors import RequestError
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.model.transitions import holds_capacity
from opennebula_core.testing.cloud import Cloud as FrontEnd

ROUNDS, VMS = 30, 4
ACTIONS = (
    "terminate", "terminate-hard", "poweroff", "poweroff-hard", "undeploy", "undeploy-hard", "suspend",
    "stop", "resume", "reboot", "hold", "release", "resched",
)  # fmt: skip
DRIVER_ACTIONS = (
    "vmm/DEPLOY", "vmm/SHUTDOWN", "vmm/CANCEL", "vmm/SAVE", "vmm/RESTORE", "vmm/MIGRATE", "vmm/CLEANUP",
    "tm/CLONE", "tm/MV", "tm/DELETE", "tm/MKIMAGE", "vmm/ATTACHDISK", "vmm/DETACHDISK", "vmm/ATTACHNIC",
    "vmm/DETACHNIC", "vmm/RESIZE",
)  # fmt: skip


class World:
    """Two hosts, an image, a network, and the VMs that are played with."""

    def __init__(self, cloud: FrontEnd, dice: random.Random) -> None:
        self.cloud = cloud
        self.dice = dice
        self.story: list[str] = []
        self.vm_ids: list[int] = []

    async def build(self) -> None:
        self.host_ids = [await self.cloud.add_host(name) for name in ("h1", "h2")]
        self.image_id = await self.cloud.add_image("base")
        self.network_id = await self.cloud.add_network("net")

    async def add_vm(self) -> None:
        disks = f"DISK=[IMAGE_ID={self.image_id}]\nDISK=[TYPE=fs,SIZE=8]"
        self.vm_ids.append(
            await self.cloud.add_vm(f"{disks}\nMEMORY_MAX=128\nNIC=[NETWORK_ID={self.network_id}]")
        )

    async def play(self) -> None:
        """Do one thing to one VM under some luck, and wait until all rests."""
        dice = self.dice
        failing = dice.sample(DRIVER_ACTIONS, dice.choice((0, 0, 1, 3, len(DRIVER_ACTIONS))))
        self.cloud.behave({action: {"failure_rate": 0.7} for action in failing})
        vm_id, host_id = dice.choice(self.vm_ids), dice.choice(self.host_ids)
        method, *params = dice.choice(
            (
                ("one.vm.deploy", vm_id, host_id),
                ("one.vm.action", dice.choice(ACTIONS), vm_id),
                ("one.vm.action", dice.choice(ACTIONS), vm_id),
                ("one.vm.migrate", vm_id, host_id, dice.random() < 0.5, False, -1, dice.randrange(3)),
                self._change(vm_id),
                self._change(vm_id),
                ("one.vm.recover", vm_id, dice.choice((0, 0, 1, 2, 2, 3, 4, 5))),
            )
        )
        self.story.append(f"{method} {params} failing {failing}")
        try:
            await self.cloud.call(str(method), *params)
        except RequestError as error:
            self.story[-1] += f": {error}"
        await self.rest()

    def _change(self, vm_id: int) -> tuple[object, ...]:
        """Return a change to a VM's devices."""
        dice = self.dice
        disk = dice.choice((f"DISK=[IMAGE_ID={self.image_id}]", "DISK=[TYPE=fs,SIZE=4]"))
        return dice.choice(
            (
                ("one.vm.attach", vm_id, disk),
                ("one.vm.attachnic", vm_id, f"NIC=[NETWORK_ID={self.network_id}]"),
                ("one.vm.detach", vm_id, dice.randrange(4)),
                ("one.vm.detachnic", vm_id, dice.randrange(3)),
                ("one.vm.diskresize", vm_id, dice.randrange(3), str(dice.choice((8, 16, 4096)))),
                ("one.vm.disksnapshotcreate", vm_id, dice.randrange(3), "x"),
                ("one.vm.snapshotcreate", vm_id, "x"),
                ("one.vm.resize", vm_id, f"CPU={dice.choice((1, 2))}\nMEMORY={dice.choice((32, 128))}"),
            )
        )

    async def rest(self) -> None:
        await self.cloud.until(
            lambda: not self.cloud.daemon.store.read(_plans_under_way), lambda: "\n".join(self.story)
        )

    def check(self) -> None:
        """Compare what is booked with what the VMs say, at one instant."""
        booked, expected = self.cloud.daemon.store.read(self._books)
        assert booked == expected, "\n".join(self.story)

    def _books(self, tx: Snapshot) -> tuple[dict[str, int], dict[str, int]]:
        cpu: Counter[int] = Counter()
        memory: Counter[int] = Counter()
        stays: Counter[int] = Counter()
        disk: Counter[int] = Counter()
        leases = image_users = 0
        for vm_id in self.vm_ids:
            vm = tx.vms.get(vm_id)
            if vm.state is not VmState.DONE:
                leases += len(vm.template.vectors("NIC"))
                image_users += any("IMAGE_ID" in each for each in vm.template.vectors("DISK"))
            open_records = [record for record in vm.history if not record.etime]
            if holds_capacity(vm.state, vm.lcm_state):
                assert open_records, "\n".join(self.story)
            elif vm.state is not VmState.ACTIVE:
                assert not open_records, "\n".join(self.story)
            assert [record.seq for record in vm.history] == list(range(len(vm.history)))
            for record in open_records:
                stays[record.host_id] += 1
                cpu[record.host_id] += vm.cpu_percent
                memory[record.host_id] += vm.memory_mib << 10
                disk[record.host_id] += sum(int(each["SIZE"]) for each in vm.template.vectors("DISK"))
        network, image = tx.networks.get(self.network_id), tx.images.get(self.image_id)
        tx.networks.load_leases(network)
        booked = {
            "leases": sum(len(addresses.leases) for addresses in network.ranges),
            "images": image.running_vms,
        }
        expected = {"leases": leases, "images": image_users}
        for host_id in self.host_ids:
            host = tx.hosts.get(host_id)
            booked |= {
                f"cpu {host_id}": host.cpu_usage,
                f"memory {host_id}": host.mem_usage,
                f"disk {host_id}": host.disk_usage,
                f"vms {host_id}": host.running_vms,
            }
            expected |= {
                f"cpu {host_id}": cpu[host_id],
                f"memory {host_id}": memory[host_id],
                f"disk {host_id}": disk[host_id],
                f"vms {host_id}": stays[host_id],
            }
        return booked, expected

    async def end(self) -> None:
        """Terminate all with drivers that work."""
        self.cloud.behave()
        self.story.append("the end")
        for vm_id in self.vm_ids:
            if self.cloud.vm(vm_id).lcm_state in (LcmState.CLEANUP_DELETE, LcmState.CLEANUP_RESUBMIT):
                await self.cloud.call("one.vm.recover", vm_id, 3)
                await self.cloud.settle(vm_id, VmState.DONE)
            else:
                await self.cloud.act("terminate-hard", vm_id)
        await self.rest()


def _plans_under_way(tx: Snapshot) -> int:
    return int(tx.value("SELECT COUNT(*) FROM plan WHERE status = 'active'"))


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_the_books_are_right_and_empty_in_the_end(
    front_end: FrontEnd, seed: int
) -> None:
    world = World(front_end, random.Random(seed))
    await world.build()
    for number in range(ROUNDS):
        if number < VMS or number % 8 == 0:
            await world.add_vm()
        await world.play()
        world.check()
    await world.end()
    world.check()
    booked, _ = front_end.daemon.store.read(world._books)
    assert set(booked.values()) == {0}, "\n".join(world.story)
    guests = {path.stem for path in (front_end.location / "var/dummy/hosts").glob("*/*.json")}
    # What a person says in recover is taken as so: nobody tells the drivers.
    forgotten = {f"one-{vm_id}" for vm_id in _forgotten(world.story)}
    assert guests <= forgotten, "\n".join(world.story)


def _forgotten(story: list[str]) -> set[int]:
    """Return the VMs of which a person has said that something was done."""
    lines = [line.split() for line in story if line.startswith("one.vm.recover")]
    return {int(line[1].strip("[,")) for line in lines if line[2].strip("],") in ("0", "1", "5")}
