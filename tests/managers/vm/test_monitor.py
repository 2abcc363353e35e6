from __future__ import annotations

import json

from opennebula_core.contracts.vmm import GuestState
from opennebula_core.managers.vm.effects import VmEffects
from opennebula_core.managers.vm.monitor import VmMonitor
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.testing.cloud import Cloud as FrontEnd
from opennebula_core.wire.monitoring import VmStates


async def test_a_guest_that_is_gone_is_off_and_can_be_resumed(front_end: FrontEnd) -> None:
    host_id = await front_end.add_host("h1")
    vm_id = await front_end.run_vm(host_id)
    (front_end.location / f"var/dummy/hosts/h1/one-{vm_id}.json").unlink()
    await front_end.settle(vm_id, VmState.POWEROFF)
    assert front_end.host(host_id).cpu_usage == 50
    await front_end.act("resume", vm_id)
    await front_end.settle(vm_id, LcmState.RUNNING)
    assert [record.seq for record in front_end.vm(vm_id).history] == [0, 1]


async def test_a_guest_that_is_seen_paused_is_suspended(front_end: FrontEnd) -> None:
    vm_id = await front_end.run_vm(await front_end.add_host("h1"))
    file = front_end.location / f"var/dummy/hosts/h1/one-{vm_id}.json"
    text = json.loads(file.read_text())
    text["state"] = "SUSPENDED"
    temporary = file.with_suffix(".new")
    temporary.write_text(json.dumps(text))
    temporary.replace(file)
    await front_end.settle(vm_id, VmState.SUSPENDED)


async def test_figures_of_a_guest_are_shown_and_go_with_it(front_end: FrontEnd) -> None:
    vm_id = await front_end.run_vm(await front_end.add_host("h1"))

    async def has_figures() -> bool:
        document = await front_end.document("one.vm.info", vm_id)
        return float(document.findtext("MONITORING/CPU", "0")) > 0

    await front_end.until(has_figures, "figures")
    await front_end.act("terminate-hard", vm_id)
    await front_end.settle(vm_id, VmState.DONE)
    document = await front_end.document("one.vm.info", vm_id)
    assert document.findtext("MONITORING/CPU") is None


async def test_a_guest_is_off_once_seen_so_twice_and_who_has_left_is_no_suspect_any_more(
    front_end: FrontEnd,
) -> None:
    here, there = await front_end.add_host("h1"), await front_end.add_host("h2")
    stays, leaves = await front_end.run_vm(here), await front_end.run_vm(here)
    core = front_end.daemon.core
    monitor = VmMonitor(core.monitoring, VmEffects(core.vm_log, core.monitoring))

    def look(host_id: int, *, sync: bool = True) -> list[tuple[int, GuestState]]:
        report = VmStates(host_id, 0, (), sync=sync)
        return core.store.read(lambda tx: monitor.differing(tx, report))

    assert look(here) == []
    assert look(there) == []
    assert monitor.suspects == 2
    assert look(here, sync=False) == [], "a report that need not be complete changes nothing"
    await front_end.act("terminate-hard", leaves)
    await front_end.settle(leaves, VmState.DONE)
    assert look(here) == [(stays, GuestState.POWEROFF)]
    assert monitor.suspects == 0
    look(here)
    monitor.forget_host(here)
    assert monitor.suspects == 0
