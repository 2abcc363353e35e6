from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest

from opennebula_core.contracts.scheduler import ClusterView
from opennebula_core.model.states import HostState
from opennebula_core.model.template import Template, Vector
from opennebula_core.scheduling.reader import (
    active_vm,
    datastore_view,
    host_view,
    is_waiting,
    pending_vm,
    permission_bits,
    reserved_amount,
    system_disk_mib,
)


def vm(
    template: str = "", user_template: str = "", *, vm_id: int = 7, history: str = "", state: int = 1
) -> Element:
    return fromstring(
        f"<VM><ID>{vm_id}</ID><UID>2</UID><GID>1</GID><NAME>web</NAME><STATE>{state}</STATE><LCM_STATE>3</LCM_STATE>"
        f"<RESCHED>0</RESCHED><STIME>99</STIME><TEMPLATE><CPU>0.5</CPU><MEMORY>512</MEMORY><VMID>{vm_id}</VMID>"
        f"{template}</TEMPLATE><USER_TEMPLATE>{user_template}</USER_TEMPLATE>"
        f"<HISTORY_RECORDS>{history}</HISTORY_RECORDS></VM>"
    )


def host(template: str = "", total_cpu: int = 400) -> Element:
    return fromstring(
        f"<HOST><ID>3</ID><NAME>h</NAME><STATE>2</STATE><CLUSTER_ID>0</CLUSTER_ID><CLUSTER>default</CLUSTER>"
        f"<HOST_SHARE><MEM_USAGE>10</MEM_USAGE><CPU_USAGE>50</CPU_USAGE><TOTAL_MEM>1000</TOTAL_MEM>"
        f"<TOTAL_CPU>{total_cpu}</TOTAL_CPU><MAX_MEM>900</MAX_MEM><MAX_CPU>390</MAX_CPU><RUNNING_VMS>1</RUNNING_VMS>"
        f"<DATASTORES><DS><ID>5</ID><FREE_MB>70</FREE_MB></DS></DATASTORES></HOST_SHARE><VMS><ID>8</ID></VMS>"
        f"<TEMPLATE>{template}</TEMPLATE></HOST>"
    )


def test_a_vms_needs_are_read_in_the_units_of_hosts() -> None:
    view = pending_vm(vm(), {})
    assert (view.cpu_percent, view.memory_kib, view.stime) == (50, 512 * 1024, 99)


def test_the_owners_groups_join_the_vms_own() -> None:
    assert pending_vm(vm(), {2: frozenset({100})}).group_ids == {1, 100}


def test_scheduling_attributes_are_read() -> None:
    user = (
        "<SCHED_REQUIREMENTS>A = 1</SCHED_REQUIREMENTS><RANK>B</RANK><SCHED_DS_RANK>C</SCHED_DS_RANK>"
        "<USER_PRIORITY>2.5</USER_PRIORITY><SCHED_MESSAGE>then: no</SCHED_MESSAGE>"
    )
    view = pending_vm(vm("<AUTOMATIC_REQUIREMENTS>D = 2</AUTOMATIC_REQUIREMENTS>", user), {})
    assert (view.requirements, view.rank, view.ds_rank) == ("A = 1", "B", "C")
    assert (view.automatic_requirements, view.priority, view.message) == ("D = 2", 2.5, "then: no")


def test_vms_that_differ_in_nothing_that_matters_are_of_one_kind() -> None:
    told = pending_vm(vm(user_template="<SCHED_MESSAGE>x: y</SCHED_MESSAGE>", vm_id=8), {})
    assert pending_vm(vm(), {}).kind == told.kind


@pytest.mark.parametrize(
    ("template", "user_template"),
    [
        ("<PCI><VENDOR>10de</VENDOR></PCI>", ""),
        ("", "<SCHED_RANK>A</SCHED_RANK>"),
        ("", "<LICENSE>yes</LICENSE>"),
        ("<DISK><SIZE>10</SIZE><TYPE>swap</TYPE></DISK>", ""),
    ],
)
def test_vms_that_differ_in_what_a_filter_may_look_at_are_not(template: str, user_template: str) -> None:
    assert pending_vm(vm(), {}).kind != pending_vm(vm(template, user_template), {}).kind


@pytest.mark.parametrize(
    ("disk", "size_mib"),
    [
        ({"SIZE": "100", "TYPE": "swap"}, 100),
        ({"SIZE": "100", "IMAGE_ID": "1", "CLONE": "YES", "CLONE_TARGET": "SYSTEM"}, 100),
        ({"SIZE": "100", "IMAGE_ID": "1", "CLONE": "YES", "CLONE_TARGET": "SELF"}, 0),
        ({"SIZE": "100", "IMAGE_ID": "1", "CLONE": "NO", "LN_TARGET": "NONE"}, 0),
        ({"SIZE": "100", "IMAGE_ID": "1", "CLONE": "NO", "LN_TARGET": "SYSTEM"}, 100),
        ({"SIZE": "100", "IMAGE_ID": "1", "DISK_SNAPSHOT_TOTAL_SIZE": "20"}, 120),
        ({"TYPE": "fs"}, 0),
    ],
)
def test_a_disk_takes_from_the_system_datastore_what_is_put_there(
    disk: dict[str, str], size_mib: int
) -> None:
    assert system_disk_mib(Vector(disk)) == size_mib


def test_a_host_has_its_total_less_what_is_reserved() -> None:
    view = host_view(host("<RESERVED_CPU>-100</RESERVED_CPU><RESERVED_MEM>10%</RESERVED_MEM>"), {})
    assert (view.max_cpu_percent, view.max_memory_kib) == (500, 900)


def test_a_host_without_a_reserve_takes_its_clusters() -> None:
    cluster = ClusterView(0, "default", Template([("RESERVED_CPU", "40")]))
    assert host_view(host("<RESERVED_CPU></RESERVED_CPU>"), {0: cluster}).max_cpu_percent == 360


def test_a_host_that_reports_no_total_has_its_maximum() -> None:
    assert host_view(host(total_cpu=0), {}).max_cpu_percent == 390


def test_a_hosts_share_and_vms_are_read() -> None:
    view = host_view(host(), {})
    assert (view.cpu_usage_percent, view.memory_usage_kib, set(view.vm_ids)) == (50, 10, {8})
    assert view.free_disk_mib == {5: 70}
    assert view.is_enabled


def test_a_state_that_this_release_does_not_know_takes_no_vms() -> None:
    element = host()
    state = element.find("STATE")
    assert state is not None
    state.text = "99"
    assert host_view(element, {}).state is HostState.INIT


@pytest.mark.parametrize(
    ("text", "amount"), [("", 0), ("100", 100), ("-50", -50), ("25%", 100), ("-10%", -40), ("x", 0)]
)
def test_a_reserve_is_a_number_or_a_percentage(text: str, amount: int) -> None:
    assert reserved_amount(text, 400) == amount


def test_only_system_datastores_are_read() -> None:
    document = (
        "<DATASTORE><ID>1</ID><TYPE>{}</TYPE><STATE>0</STATE><CLUSTERS><ID>0</ID></CLUSTERS><TEMPLATE/>"
        "</DATASTORE>"
    )
    assert datastore_view(fromstring(document.format(0))) is None
    view = datastore_view(fromstring(document.format(1)))
    assert view is not None
    assert view.is_shared
    assert view.cluster_ids == {0}


def test_permissions_are_nine_bits() -> None:
    element = fromstring(
        "<X><PERMISSIONS><OWNER_U>1</OWNER_U><OWNER_M>1</OWNER_M><GROUP_U>1</GROUP_U></PERMISSIONS></X>"
    )
    assert permission_bits(element) == 0o640


@pytest.mark.parametrize(
    ("state", "lcm_state", "resched", "waits"),
    [(1, 0, 0, True), (3, 3, 1, True), (3, 16, 1, True), (8, 0, 1, True), (3, 2, 1, False), (3, 3, 0, False)],
)
def test_a_vm_waits_when_it_is_pending_or_flagged_and_movable(
    state: int, lcm_state: int, resched: int, *, waits: bool
) -> None:
    document = (
        f"<VM><STATE>{state}</STATE><LCM_STATE>{lcm_state}</LCM_STATE><RESCHED>{resched}</RESCHED></VM>"
    )
    assert is_waiting(fromstring(document)) is waits


def test_a_vm_to_be_rescheduled_brings_its_place() -> None:
    history = "<HISTORY><HID>1</HID><DS_ID>5</DS_ID></HISTORY><HISTORY><HID>3</HID><DS_ID>6</DS_ID></HISTORY>"
    view = pending_vm(vm(history=history, state=3), {})
    assert (view.resched, view.host_id, view.datastore_id) == (True, 3, 6)


def test_an_active_vm_brings_its_last_host() -> None:
    view = active_vm(vm(history="<HISTORY><HID>3</HID><STIME>50</STIME></HISTORY>", state=3), 60)
    assert (view.host_id, view.history_stime, view.first_running_stime) == (3, 50, 60)
