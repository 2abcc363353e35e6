from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest
from pyone import bindings

from opennebula_core.documents.escape import escape_document, unescape_document
from opennebula_core.documents.monitoring import vm_monitoring
from opennebula_core.documents.vm import render_vm, render_vm_of_record, vm_xml
from opennebula_core.model.objects import HistoryRecord, Lock, Vm
from opennebula_core.model.states import HistoryAction, LcmState, VmState
from opennebula_core.model.template import Template

Read = Callable[..., ET.Element]

TEMPLATE = """
VMID=7 VCPU=2 MEMORY=512 CPU=0.5 TEMPLATE_ID=3
DISK=[DISK_ID=0, IMAGE="alpine", IMAGE_ID=0, SIZE=256, SOURCE="/images/0", TARGET="vda", TYPE="FILE"]
DISK=[DISK_ID=1, SIZE=64, TYPE="fs"]
NIC=[NIC_ID=0, NETWORK="private", NETWORK_ID=0, IP="10.0.0.7", MAC="02:00:0a:00:00:07", BRIDGE="br0"]
GRAPHICS=[TYPE="VNC", PORT=5907]
CONTEXT=[START_SCRIPT="#!/bin/sh
test 1 -lt 2 && echo <ok> >&2"]
SCHED_ACTION=[ID=0, ACTION="poweroff", TIME=1]
"""
USER = 'SCHED_REQUIREMENTS="FREE_CPU > 5 & ARCH = \\"x86_64\\"" LABELS="a" HYPERVISOR="kvm" ERROR="a <b> & c"'


def a_vm(**changes: object) -> Vm:
    vm = Vm(
        id=7,
        name="web",
        uid=2,
        gid=1,
        uname="alice",
        gname="users",
        state=VmState.ACTIVE,
        lcm_state=LcmState.RUNNING,
        stime=1700000000,
        deploy_id="one-7",
        template=Template.parse(TEMPLATE),
        user_template=Template.parse(USER),
    )
    for name, value in changes.items():
        setattr(vm, name, value)
    return vm


def a_record(seq: int, **changes: int) -> HistoryRecord:
    record = HistoryRecord(7, seq, 3, "node-3", 0, "kvm", "ssh", 100, stime=10, uid=0, gid=0)
    for name, value in changes.items():
        setattr(record, name, value)
    return record


HISTORY = [a_record(0, etime=20, action=HistoryAction.POWEROFF), a_record(1, running_stime=30)]


def test_info_has_every_element_in_its_place(read: Read) -> None:
    vm = a_vm(history=HISTORY, lock=Lock(1, 2, 1700000001))
    sample = escape_document(vm_monitoring(7, 99, Template.parse("CPU=1.5 MEMORY=2048 NETRX=7")))

    element = read(render_vm(vm).info(99, sample))

    assert element.findtext("STATE") == "3"
    assert element.findtext("LAST_POLL") == "99"
    assert element.findtext("MONITORING/MEMORY") == "2048"
    assert element.findtext("LOCK/LOCKED") == "1"
    assert [disk.findtext("DISK_ID") for disk in element.iterfind("TEMPLATE/DISK")] == ["0", "1"]
    assert [item.findtext("ACTION") for item in element.iter("HISTORY")] == ["19", "0"]
    assert [item.text for item in element.iterfind("SCHED_ACTIONS/ID")] == ["0"]
    assert element.findtext("USER_TEMPLATE/ERROR") == "a <b> & c"
    assert "&& echo <ok> >&2" in element.findtext("TEMPLATE/CONTEXT/START_SCRIPT", "")


def test_a_vm_that_was_never_deployed_has_the_empty_elements(read: Read) -> None:
    text = render_vm(a_vm(template=Template(), user_template=Template(), deploy_id="")).info()

    read(text)
    plain = unescape_document(text)
    for part in (
        "<HISTORY_RECORDS/>",
        "<MONITORING></MONITORING>",
        "<TEMPLATE></TEMPLATE>",
        "<DEPLOY_ID></DEPLOY_ID>",
    ):
        assert part in plain


def test_the_pool_shows_the_short_form(read: Read) -> None:
    element = read(render_vm(a_vm(history=HISTORY)).short(), "VM_SHORT")

    assert [child.tag for child in element.find("TEMPLATE") or []] == [
        "CPU", "MEMORY", "VCPU", "DISK", "DISK", "NIC", "GRAPHICS",
    ]  # fmt: skip
    assert element.find("TEMPLATE/DISK/SOURCE") is None
    assert element.findtext("TEMPLATE/DISK/IMAGE") == "alpine"
    assert element.find("TEMPLATE/NIC/BRIDGE") is None
    assert [child.tag for child in element.find("USER_TEMPLATE") or []] == [
        "ERROR",
        "LABELS",
        "SCHED_REQUIREMENTS",
    ]
    assert [item.findtext("SEQ") for item in element.iter("HISTORY")] == ["1"]


def test_infoextended_shows_the_last_record_only(read: Read) -> None:
    documents = render_vm(a_vm(history=HISTORY))

    assert [item.findtext("SEQ") for item in read(documents.extended()).iter("HISTORY")] == ["1"]
    assert render_vm(a_vm(history=HISTORY[:1])).extended_tail is None


def test_accounting_has_the_vm_without_its_records(read: Read) -> None:
    element = read(render_vm_of_record(a_vm(history=HISTORY)))

    assert list(element.iter("HISTORY")) == []


def test_drivers_get_the_whole_document_as_plain_xml(read: Read) -> None:
    documents = render_vm(a_vm(history=HISTORY))

    plain = vm_xml(documents.head, documents.middle, documents.tail)

    assert plain.startswith("<VM><ID>7</ID>")
    assert escape_document(plain) == documents.info()


def test_the_backup_configuration_has_a_place_of_its_own(read: Read) -> None:
    element = read(render_vm(a_vm(template=Template.parse("BACKUP_CONFIG=[KEEP_LAST=3] CPU=1"))).info())

    assert element.findtext("BACKUPS/BACKUP_CONFIG/KEEP_LAST") == "3"
    assert element.find("TEMPLATE/BACKUP_CONFIG") is None


@pytest.mark.parametrize(
    "text", ["]]></ERROR></USER_TEMPLATE></VM>", "&lt;b&gt;", "<![CDATA[x", "\x00\x1b]]", "&amp;amp;"]
)
def test_no_text_of_a_driver_breaks_out_of_its_element(read: Read, text: str) -> None:
    vm = a_vm(deploy_id=text, user_template=Template([("ERROR", text)]))

    element = read(render_vm(vm).info())

    shown = text.replace("]]>", "]] >").replace("\x00", "?").replace("\x1b", "?")
    assert element.findtext("USER_TEMPLATE/ERROR") == shown
    assert element.findtext("DEPLOY_ID") == shown


def test_pyone_reads_info() -> None:
    plain = unescape_document(render_vm(a_vm(history=HISTORY)).info())

    vm = bindings.parseString(plain.encode(), True)

    assert (vm.ID, vm.STATE, vm.LCM_STATE, vm.NAME, vm.UNAME) == (7, 3, 3, "web", "alice")
    assert vm.PERMISSIONS.OWNER_U == 1
    assert vm.TEMPLATE["DISK"][1]["SIZE"] == "64"
    assert vm.USER_TEMPLATE["LABELS"] == "a"
    assert [record.SEQ for record in vm.HISTORY_RECORDS.HISTORY] == [0, 1]
    assert vm.HISTORY_RECORDS.HISTORY[1].HOSTNAME == "node-3"


def test_pyone_reads_the_pool() -> None:
    text = f"<VM_POOL>{unescape_document(render_vm(a_vm(history=HISTORY)).short())}</VM_POOL>"

    (vm,) = bindings.parseString(text.encode(), True).VM

    assert (vm.ID, vm.LCM_STATE) == (7, 3)
    assert vm.TEMPLATE["NIC"]["IP"] == "10.0.0.7"
