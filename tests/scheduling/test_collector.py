from __future__ import annotations

import pytest

from opennebula_core.client import Client
from opennebula_core.client.client import Change
from opennebula_core.contracts.scheduler import Placement
from opennebula_core.model.states import VmState
from opennebula_core.scheduling.collector import Collector
from opennebula_core.testing.front_end import FrontEnd


@pytest.fixture
def collector(client: Client) -> Collector:
    return Collector(client)


def changed(kind: str, *object_ids: int) -> list[Change]:
    return [Change(1, kind, object_id, "update") for object_id in object_ids]


def test_pending_vms_and_their_surroundings_are_collected(front_end: FrontEnd, collector: Collector) -> None:
    front_end.add_host(1)
    front_end.add_host(0)
    front_end.submit(5)
    front_end.submit(6, state=3, lcm_state=3, host_id=1)
    assert collector.refresh_vms()
    cloud = collector.cloud()
    assert [vm.id for vm in cloud.vms] == [5]
    assert [host.id for host in cloud.hosts] == [0, 1]
    assert [item.id for item in cloud.datastores] == [0]
    assert cloud.hosts[1].cpu_usage_percent == 100
    assert cloud.access.may_manage_host(cloud.vms[0], cloud.hosts[0])


def test_running_vms_that_are_flagged_wait_too(front_end: FrontEnd, collector: Collector) -> None:
    front_end.submit(6, state=3, lcm_state=3, host_id=1, resched=1)
    collector.refresh_vms()
    [vm] = collector.cloud().vms
    assert (vm.id, vm.resched, vm.host_id) == (6, True, 1)


def test_only_changed_vms_are_fetched_again(front_end: FrontEnd, collector: Collector) -> None:
    front_end.submit(5)
    collector.refresh_vms()
    front_end.submit(6)
    front_end.calls.clear()
    collector.note(changed("VM", 6))
    assert collector.refresh_vms()
    assert front_end.calls == [("one.vmpool.infoset", ("6", True))]
    assert [vm.id for vm in collector.cloud().vms] == [5, 6]


def test_a_vm_that_left_or_is_gone_waits_no_more(front_end: FrontEnd, collector: Collector) -> None:
    front_end.submit(5)
    front_end.submit(6)
    collector.refresh_vms()
    front_end.vms[5].state = 6
    del front_end.vms[6]
    collector.note(changed("VM", 5, 6))
    assert not collector.refresh_vms()
    assert not collector.has_waiting_vms


def test_nothing_is_fetched_when_nothing_changed(front_end: FrontEnd, collector: Collector) -> None:
    front_end.add_host(0)
    front_end.submit(5)
    collector.refresh_vms()
    collector.cloud()
    front_end.calls.clear()
    collector.refresh_vms()
    collector.cloud()
    assert front_end.calls == []


def test_a_single_host_that_changed_is_fetched_alone(front_end: FrontEnd, collector: Collector) -> None:
    for host_id in range(20):
        front_end.add_host(host_id)
    collector.cloud()
    front_end.calls.clear()
    front_end.hosts[7] = 4
    collector.note(changed("HOST", 7))
    assert not collector.cloud().hosts[7].is_enabled
    assert front_end.calls == [("one.host.info", (7,))]


def test_many_hosts_that_changed_are_fetched_together(front_end: FrontEnd, collector: Collector) -> None:
    for host_id in range(20):
        front_end.add_host(host_id)
    collector.cloud()
    front_end.calls.clear()
    collector.note(changed("HOST", *range(10)))
    collector.cloud()
    assert front_end.calls == [("one.hostpool.info", ())]


def test_a_host_that_is_gone_is_forgotten(front_end: FrontEnd, collector: Collector) -> None:
    for host_id in range(3):
        front_end.add_host(host_id)
    collector.cloud()
    del front_end.hosts[1]
    collector.note(changed("HOST", 1))
    assert [host.id for host in collector.cloud().hosts] == [0, 2]


def test_the_host_of_an_own_placement_is_looked_at_again(front_end: FrontEnd, collector: Collector) -> None:
    for host_id in range(3):
        front_end.add_host(host_id)
    front_end.submit(5)
    collector.refresh_vms()
    assert collector.cloud().hosts[1].cpu_usage_percent == 0
    front_end.vms[5].state, front_end.vms[5].host_id = 3, 1
    collector.note_dispatched(Placement(5, 1))
    collector.refresh_vms()
    cloud = collector.cloud()
    assert not cloud.vms
    assert cloud.hosts[1].cpu_usage_percent == 100


def test_a_vm_that_somebody_deployed_takes_room_on_its_host(
    front_end: FrontEnd, collector: Collector
) -> None:
    for host_id in range(3):
        front_end.add_host(host_id)
    front_end.submit(5)
    collector.refresh_vms()
    collector.cloud()
    front_end.vms[5].state, front_end.vms[5].host_id = 3, 2
    collector.note(changed("VM", 5))
    collector.refresh_vms()
    assert collector.cloud().hosts[2].cpu_usage_percent == 100


def test_active_vms_are_collected_for_policies_that_want_them(front_end: FrontEnd, client: Client) -> None:
    front_end.submit(5)
    front_end.submit(6, state=3, lcm_state=3, host_id=1)
    front_end.submit(7, state=6, host_id=1)
    collector = Collector(client, with_active_vms=True)
    collector.refresh_vms()
    [vm] = collector.cloud().active_vms
    assert (vm.id, vm.state, vm.host_id, vm.first_running_stime) == (6, VmState.ACTIVE, 1, 1700000010)


VM_GROUP = (
    "<VM_GROUP><ID>0</ID><NAME>app</NAME><ROLES><ROLE><ID>0</ID><NAME>db</NAME><VMS>{}</VMS></ROLE></ROLES>"
    "<TEMPLATE/></VM_GROUP>"
)


def test_groups_are_fetched_while_a_vm_of_one_waits_and_again_when_they_change(
    front_end: FrontEnd, collector: Collector
) -> None:
    front_end.vm_groups = [VM_GROUP.format("5")]
    front_end.submit(4)
    collector.refresh_vms()
    assert collector.cloud().vm_groups == ()
    front_end.submit(5).template = "<VMGROUP><VMGROUP_ID>0</VMGROUP_ID><ROLE>db</ROLE></VMGROUP>"
    collector.note(changed("VM", 5))
    collector.refresh_vms()
    assert len(collector.cloud().vm_groups) == 1
    assert [(vm.vm_group_id, vm.role) for vm in collector.cloud().vms] == [(-1, ""), (0, "db")]
    assert len(front_end.called("one.vmgrouppool.info")) == 1
    front_end.vm_groups = [VM_GROUP.format("5,8")]
    collector.note(changed("VMGROUP", 0))
    assert [group.roles["db"].vm_ids for group in collector.cloud().vm_groups] == [{5, 8}]


def test_a_vm_that_is_to_be_explained_is_in_the_picture_beside_those_that_wait(
    front_end: FrontEnd, collector: Collector
) -> None:
    front_end.submit(5)
    front_end.submit(6, state=3, lcm_state=3, host_id=1)
    collector.refresh_vms()
    assert [vm.id for vm in collector.cloud(collector.vm(6)).vms] == [5, 6]
    assert [vm.id for vm in collector.cloud(collector.vm(5)).vms] == [5]
