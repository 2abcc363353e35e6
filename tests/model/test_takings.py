from __future__ import annotations

import json

import pytest

from opennebula_core.model.objects import Vm
from opennebula_core.model.states import LcmState, VmState
from opennebula_core.model.takings import NOTHING, Counted, counted_as, shares_text, system_disk_mib
from opennebula_core.model.template import Template


def vm(text: str) -> Vm:
    return Vm(id=7, name="web", template=Template.parse(text))


@pytest.mark.parametrize(
    ("state", "counted"),
    [
        (VmState.PENDING, Counted.RUNNING),
        (VmState.HOLD, Counted.RUNNING),
        (VmState.CLONING, Counted.RUNNING),
        (VmState.CLONING_FAILURE, Counted.RUNNING),
        (VmState.POWEROFF, Counted.AT_REST),
        (VmState.SUSPENDED, Counted.AT_REST),
        (VmState.STOPPED, Counted.AT_REST),
        (VmState.UNDEPLOYED, Counted.AT_REST),
        (VmState.DONE, Counted.NOT),
    ],
)
def test_a_vm_that_waits_counts_as_running(state: VmState, counted: Counted) -> None:
    assert counted_as(state, LcmState.LCM_INIT) is counted


@pytest.mark.parametrize(
    ("lcm_state", "counted"),
    [
        (LcmState.BOOT, Counted.RUNNING),
        (LcmState.BOOT_POWEROFF, Counted.RUNNING),
        (LcmState.UNKNOWN, Counted.RUNNING),
        (LcmState.SHUTDOWN, Counted.RUNNING),
        (LcmState.SAVE_STOP, Counted.RUNNING),
        (LcmState.CLEANUP_RESUBMIT, Counted.RUNNING),
        (LcmState.BOOT_FAILURE, Counted.RUNNING),
        (LcmState.EPILOG, Counted.AT_REST),
        (LcmState.EPILOG_FAILURE, Counted.AT_REST),
        (LcmState.CLEANUP_DELETE, Counted.AT_REST),
        (LcmState.PROLOG_MIGRATE_POWEROFF, Counted.AT_REST),
        (LcmState.DISK_RESIZE_UNDEPLOYED, Counted.AT_REST),
    ],
)
def test_work_on_a_vm_at_rest_does_not_count_as_running(lcm_state: LcmState, counted: Counted) -> None:
    assert counted_as(VmState.ACTIVE, lcm_state) is counted


def test_disks_that_lie_in_system_datastores_are_counted_with_their_snapshots() -> None:
    text = """DISK=[TYPE=fs,SIZE=8]
        DISK=[IMAGE_ID=1,CLONE=YES,CLONE_TARGET=SYSTEM,LN_TARGET=NONE,SIZE=100,DISK_SNAPSHOT_TOTAL_SIZE=5]
        DISK=[IMAGE_ID=2,CLONE=YES,CLONE_TARGET=SELF,DATASTORE_ID=1,SIZE=1000]
        DISK=[IMAGE_ID=3,CLONE=NO,CLONE_TARGET=SYSTEM,LN_TARGET=NONE,SIZE=10000]"""
    assert system_disk_mib(vm(text)) == 113


def test_shares_are_leases_images_and_room_of_clones_in_their_own_datastores() -> None:
    text = """NIC=[NETWORK_ID=4]
        NIC=[NETWORK_ID=4]
        NIC=[NETWORK_MODE=auto]
        DISK=[IMAGE_ID=2,CLONE=YES,CLONE_TARGET=SELF,DATASTORE_ID=1,SIZE=1000]
        DISK=[IMAGE_ID=2,CLONE=YES,CLONE_TARGET=SELF,DATASTORE_ID=1,SIZE=1000]"""
    assert json.loads(shares_text(vm(text))) == [
        ["DATASTORE", 1, 0, 2000],
        ["IMAGE", 2, 1, 0],
        ["NETWORK", 4, 2, 0],
    ]
    growing = "DISK=[IMAGE_ID=3,CLONE=NO,DATASTORE_ID=1,SIZE=30,ORIGINAL_SIZE=10]"
    assert json.loads(shares_text(vm(growing))) == [["DATASTORE", 1, 0, 20], ["IMAGE", 3, 1, 0]]
    assert shares_text(vm("DISK=[TYPE=fs,SIZE=8]")) == NOTHING
