from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from opennebula_core.hookspecs import impl
from opennebula_core.model.states import HostState, LcmState, VmState
from opennebula_core.testing.cloud import Cloud as FrontEnd
from opennebula_core.testing.cloud import running_cloud

LOST: Mapping[str, Mapping[str, object]] = {
    "im/PROBE": {"failure_rate": 1, "hosts": ["h1"], "message": "no route to host"}
}


async def test_what_a_probe_reports_is_in_the_hosts_document(front_end: FrontEnd) -> None:
    host_id = await front_end.add_host("h1", "RACK = 7")
    document = await front_end.document("one.host.info", host_id)
    for name, value in (("ARCH", "x86_64"), ("HYPERVISOR", "dummy"), ("CPUSPEED", "3200"), ("RACK", "7")):
        assert document.findtext(f"TEMPLATE/{name}") == value


async def test_a_lost_host_goes_to_error_with_the_reason_its_vms_to_unknown_and_both_come_back(
    front_end: FrontEnd,
) -> None:
    lost, other = await front_end.add_host("h1"), await front_end.add_host("h2")
    here, there = await front_end.run_vm(lost), await front_end.run_vm(other)
    front_end.behave(LOST)
    await front_end.until(lambda: front_end.host(lost).state is HostState.ERROR, "the loss")
    await front_end.settle(here, LcmState.UNKNOWN)
    assert "no route to host" in front_end.host(lost).template.get("ERROR")
    assert front_end.vm(there).lcm_state is LcmState.RUNNING
    assert front_end.host(lost).cpu_usage == 50
    front_end.behave()
    await front_end.until(lambda: front_end.host(lost).state is HostState.MONITORED, "the return")
    await front_end.settle(here, LcmState.RUNNING)
    assert front_end.host(lost).template.get("ERROR") == ""


async def test_a_vm_whose_boot_ends_on_a_lost_host_is_unknown_too(front_end: FrontEnd) -> None:
    host_id, vm_id = await front_end.add_host("h1"), await front_end.add_vm()
    front_end.behave({**LOST, "vmm/DEPLOY": {"delay_s": 1.5}})
    await front_end.call("one.vm.deploy", vm_id, host_id)
    await front_end.until(lambda: front_end.host(host_id).state is HostState.ERROR, "the loss")
    await front_end.settle(vm_id, LcmState.UNKNOWN)


async def test_an_unknown_vm_can_be_ended_resumed_or_called_alive(front_end: FrontEnd) -> None:
    host_id = await front_end.add_host("h1")
    first, second, third = [await front_end.run_vm(host_id) for _ in range(3)]
    front_end.behave(LOST)
    await front_end.settle(third, LcmState.UNKNOWN)
    await front_end.act("terminate-hard", first)
    await front_end.settle(first, VmState.DONE)
    await front_end.act("resume", second)
    await front_end.settle(second, LcmState.RUNNING, LcmState.UNKNOWN)
    await front_end.call("one.vm.recover", third, 1)
    assert "New LCM state is BOOT_UNKNOWN" in front_end.vm_log(second)
    assert front_end.vm_log(third).count("New LCM state is RUNNING") == 2


class Rack:
    @impl
    def opennebula_contribute_host_attributes(
        self, host_id: int, hostname: str, attributes: Mapping[str, str]
    ) -> dict[str, str]:
        return {"RACK": f"rack of {hostname}, {attributes['ARCH']}"}


async def test_plugins_add_to_what_probes_report(tmp_path: Path) -> None:
    async with running_cloud(tmp_path, plugins=[("rack", Rack())]) as cloud:
        host = cloud.host(await cloud.add_host("h1"))
    assert host.template.get("RACK") == "rack of h1, x86_64"


async def test_a_host_whose_hypervisors_driver_is_missing_goes_to_error_before_any_vm_does(
    front_end: FrontEnd,
) -> None:
    host_id = await front_end.new("one.host.allocate", "h1", "dummy", "dumy", -1)
    await front_end.until(lambda: front_end.host(host_id).state is HostState.ERROR, "the error")
    text = front_end.host(host_id).template.get("ERROR")
    assert "no driver 'dumy' in opennebula.vmm" in text
    assert "did you mean 'dummy'?" in text
