from __future__ import annotations

from pathlib import Path

from opennebula_core.contracts.event import StateChange
from opennebula_core.contracts.method import ObjectKind
from opennebula_core.hookspecs import impl
from opennebula_core.model.states import HostState, ImageState, LcmState, VmState
from opennebula_core.testing.cloud import running_cloud


class Listener:
    def __init__(self) -> None:
        self.changes: list[StateChange] = []

    @impl
    def opennebula_state_changed(self, change: StateChange) -> None:
        self.changes.append(change)

    def of(self, kind: ObjectKind, object_id: int) -> list[tuple[int, int]]:
        return [
            (each.before, each.after)
            for each in self.changes
            if (each.kind, each.object_id) == (kind, object_id)
        ]

    def lcm_of(self, vm_id: int) -> list[tuple[int, int]]:
        return [
            (each.lcm_before, each.lcm_after)
            for each in self.changes
            if (each.kind, each.object_id) == (ObjectKind.VM, vm_id)
        ]


async def test_new_and_removed_objects_are_announced(tmp_path: Path) -> None:
    listener = Listener()
    async with running_cloud(tmp_path, plugins=[("listener", listener)]) as cloud:
        host_id = await cloud.add_host("h1")
        await cloud.call("one.host.delete", host_id)
        image_id = await cloud.add_image("base")
        vm_id = await cloud.add_vm(f"DISK=[IMAGE_ID={image_id}]")
        await cloud.act("terminate", vm_id)
    assert listener.of(ObjectKind.HOST, host_id) == [
        (-1, HostState.INIT),
        (HostState.INIT, HostState.MONITORED),
        (HostState.MONITORED, -1),
    ]
    assert listener.of(ObjectKind.IMAGE, image_id) == [
        (-1, ImageState.LOCKED),
        (ImageState.LOCKED, ImageState.READY),
        (ImageState.READY, ImageState.USED),
        (ImageState.USED, ImageState.READY),
    ]
    assert listener.of(ObjectKind.VM, vm_id) == [(-1, VmState.HOLD), (VmState.HOLD, VmState.DONE)]


async def test_every_state_of_a_vm_is_told_of_in_order(tmp_path: Path) -> None:
    listener = Listener()
    async with running_cloud(tmp_path, plugins=[("listener", listener)]) as cloud:
        vm_id = await cloud.run_vm(await cloud.add_host("h1"))
    init = LcmState.LCM_INIT
    assert listener.lcm_of(vm_id) == [
        (init, init),
        (init, LcmState.PROLOG),
        (LcmState.PROLOG, LcmState.BOOT),
        (LcmState.BOOT, LcmState.RUNNING),
    ]
    sequences = [change.sequence for change in listener.changes]
    assert sequences == sorted(sequences)


async def test_after_a_restart_an_old_object_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    async with running_cloud(tmp_path) as cloud:
        vm_id = await cloud.add_vm()
    listener = Listener()
    async with running_cloud(tmp_path, plugins=[("listener", listener)]) as cloud:
        await cloud.act("release", vm_id)
    assert listener.of(ObjectKind.VM, vm_id) == [(VmState.HOLD, VmState.PENDING)]


class Broken:
    @impl
    def opennebula_state_changed(self, change: StateChange) -> None:
        raise RuntimeError("listener is broken")


async def test_a_listener_that_fails_holds_nobody_up(tmp_path: Path) -> None:
    listener = Listener()
    async with running_cloud(tmp_path, plugins=[("listener", listener), ("broken", Broken())]) as cloud:
        vm_id = await cloud.run_vm(await cloud.add_host("h1"))
    assert listener.of(ObjectKind.VM, vm_id)[0] == (-1, VmState.HOLD)
