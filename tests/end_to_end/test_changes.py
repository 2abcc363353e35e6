"""Guests are changed while they run, and see it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from opennebula_core.model.states import LcmState, VmState
from opennebula_core.testing.kvmlab.guest_access import wait_for_guest
from opennebula_core.testing.kvmlab.lab import wait_until
from tests.end_to_end.estate import Estate, image_ready, uptime_s

pytestmark = pytest.mark.integration

LIMIT = timedelta(seconds=180)
MIB = 1 << 20


def _change(estate: Estate, method: str, vm_id: int, *params: object) -> None:
    """Make a change to a guest that runs, and wait until it is made."""
    estate.cloud.call(f"one.vm.{method}", vm_id, *params)
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    vm = estate.cloud.document("one.vm.info", vm_id)
    assert vm.find("USER_TEMPLATE/ERROR") is None, vm.findtext("USER_TEMPLATE/ERROR")


def _end(estate: Estate, vm_id: int) -> None:
    estate.action("terminate-hard", vm_id)
    estate.cloud.wait_for_vm(vm_id, VmState.DONE, limit=LIMIT)
    assert estate.nothing_is_left()


def test_a_guest_gets_a_disk_and_a_nic_and_loses_them_again(estate: Estate) -> None:
    vm_id = estate.instantiate("plugged")
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    address = estate.address(vm_id)
    wait_for_guest(estate.lab, address)

    _change(estate, "attach", vm_id, "DISK=[TYPE=fs,SIZE=16,FORMAT=raw]")
    wait_until(lambda: estate.status(vm_id).get("disk_vdb") == str(16 * MIB), "the disk", LIMIT)
    _change(estate, "attachnic", vm_id, f"NIC=[NETWORK_ID={estate.network_id}]")
    wait_until(lambda: "nic_eth1" in estate.status(vm_id), "the NIC", LIMIT)

    _change(estate, "detach", vm_id, 2)
    assert "disk_vdb" not in estate.status(vm_id)
    assert not any(path.endswith("/disk.2") for paths in estate.disks().values() for path in paths)
    _change(estate, "detachnic", vm_id, 1)
    assert "nic_eth1" not in estate.status(vm_id)
    assert estate.status(vm_id)["boots"] == "1"
    _end(estate, vm_id)


def test_a_persistent_disk_goes_back_to_its_image_when_it_is_detached(estate: Estate) -> None:
    text = 'NAME="data"\nTYPE="DATABLOCK"\nSIZE=16\nPERSISTENT="YES"\n'
    image_id = int(estate.cloud.call("one.image.allocate", text, 1))
    wait_until(lambda: image_ready(estate.cloud, image_id), "the image", LIMIT)
    vm_id = estate.instantiate("lasting")
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    estate.wait_for_answer(vm_id)
    _change(estate, "attach", vm_id, f"DISK=[IMAGE_ID={image_id}]")
    wait_until(lambda: estate.status(vm_id).get("disk_vdb") == str(16 * MIB), "the disk", LIMIT)
    assert not image_ready(estate.cloud, image_id)
    _change(estate, "disksnapshotcreate", vm_id, 2, "while it ran")

    _change(estate, "detach", vm_id, 2)
    assert "disk_vdb" not in estate.status(vm_id)
    assert not any(path.endswith("/disk.2") for paths in estate.disks().values() for path in paths)
    assert image_ready(estate.cloud, image_id)
    assert estate.status(vm_id)["boots"] == "1"
    image = estate.cloud.document("one.image.info", image_id)
    assert image.findtext("SNAPSHOTS/SNAPSHOT/NAME") == "while it ran"
    kept = Path(image.findtext("SOURCE", "") + ".snap")
    assert [path.name for path in kept.iterdir()] == ["0"]
    estate.cloud.call("one.image.snapshotflatten", image_id, 0)
    wait_until(lambda: image_ready(estate.cloud, image_id), "the image", LIMIT)
    assert estate.cloud.document("one.image.info", image_id).find("SNAPSHOTS/SNAPSHOT") is None
    assert not kept.exists()
    _end(estate, vm_id)


def test_a_guest_that_is_off_gets_a_disk_and_a_nic_for_its_next_start(estate: Estate) -> None:
    vm_id = estate.instantiate("off")
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    estate.wait_for_answer(vm_id)
    estate.action("poweroff", vm_id)
    estate.cloud.wait_for_vm(vm_id, VmState.POWEROFF, limit=LIMIT)
    estate.cloud.call("one.vm.attach", vm_id, "DISK=[TYPE=fs,SIZE=16,FORMAT=raw]")
    estate.cloud.wait_for_vm(vm_id, VmState.POWEROFF, limit=LIMIT)
    estate.cloud.call("one.vm.attachnic", vm_id, f"NIC=[NETWORK_ID={estate.network_id}]")
    estate.action("resume", vm_id)
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    status = estate.wait_for_answer(vm_id)
    assert status.get("disk_vdb") == str(16 * MIB)
    assert "nic_eth1" in status
    _end(estate, vm_id)


def test_a_disk_is_plugged_in_once_though_the_daemon_dies_meanwhile(estate: Estate) -> None:
    vm_id = estate.instantiate("orphan")
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    estate.wait_for_answer(vm_id)
    estate.cloud.call("one.vm.attach", vm_id, "DISK=[TYPE=fs,SIZE=16,FORMAT=raw]")
    assert estate.cloud.vm_states(vm_id) == (VmState.ACTIVE, LcmState.HOTPLUG)
    estate.cloud.kill("oned")
    estate.cloud.start()
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    wait_until(lambda: estate.status(vm_id).get("disk_vdb") == str(16 * MIB), "the disk", LIMIT)
    _end(estate, vm_id)


def test_a_guest_grows_while_it_runs_and_reads_its_new_context(estate: Estate) -> None:
    vm_id = estate.instantiate("growing", extra="MEMORY=128\nMEMORY_MAX=192\nVCPU=1\nVCPU_MAX=2\n")
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    small = int(estate.wait_for_answer(vm_id)["mem_kb"])

    _change(estate, "resize", vm_id, "MEMORY=192", True)
    wait_until(lambda: int(estate.status(vm_id)["mem_kb"]) > small + (32 << 10), "the memory", LIMIT)
    _change(estate, "updateconf", vm_id, 'CONTEXT=[ROLE="db"]', 1)
    host = estate.host_of(vm_id)
    media = estate.lab.virsh(host, "domblklist", f"one-{vm_id}")
    assert f"/{vm_id}/disk.1" in media
    path = next(word for word in media.split() if word.endswith("/disk.1"))
    shown = estate.lab.exec(host, ["grep", "-a", "-c", "ROLE='db'", path])
    assert shown.strip() == "1"
    assert estate.status(vm_id)["boots"] == "1"
    _end(estate, vm_id)


def test_a_guest_that_is_off_starts_with_its_new_capacity(estate: Estate) -> None:
    vm_id = estate.instantiate("resized")
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    estate.wait_for_answer(vm_id)
    estate.action("poweroff", vm_id)
    estate.cloud.wait_for_vm(vm_id, VmState.POWEROFF, limit=LIMIT)
    estate.cloud.call("one.vm.resize", vm_id, "VCPU=2", True)
    estate.action("resume", vm_id)
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    assert estate.wait_for_answer(vm_id)["cpus"] == "2"
    _end(estate, vm_id)


def test_a_guest_goes_back_to_its_snapshot(estate: Estate) -> None:
    vm_id = estate.instantiate("snapped")
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    estate.wait_for_answer(vm_id)
    _change(estate, "snapshotcreate", vm_id, "then")
    then = uptime_s(estate.status(vm_id))
    wait_until(lambda: uptime_s(estate.status(vm_id)) > then + 20, "time to pass in the guest", LIMIT)

    _change(estate, "snapshotrevert", vm_id, 0)
    assert uptime_s(estate.wait_for_answer(vm_id)) < then + 20
    _change(estate, "snapshotdelete", vm_id, 0)
    assert estate.lab.virsh(estate.host_of(vm_id), "snapshot-list", f"one-{vm_id}", "--name") == ""
    assert estate.cloud.document("one.vm.info", vm_id).find("TEMPLATE/SNAPSHOT") is None

    _change(estate, "snapshotcreate", vm_id, "gone with the guest")
    estate.action("poweroff", vm_id)
    estate.cloud.wait_for_vm(vm_id, VmState.POWEROFF, limit=LIMIT)
    estate.action("resume", vm_id)
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    assert estate.wait_for_answer(vm_id)["boots"] == "2"
    _end(estate, vm_id)


def test_disks_grow_while_a_guest_runs_and_while_it_is_off(estate: Estate) -> None:
    vm_id = estate.instantiate("spacious")
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    size_mib = int(estate.wait_for_answer(vm_id)["disk_vda"]) // MIB
    _change(estate, "diskresize", vm_id, 0, str(size_mib + 64))
    wait_until(
        lambda: estate.status(vm_id)["disk_vda"] == str((size_mib + 64) * MIB), "the larger disk", LIMIT
    )

    estate.action("poweroff", vm_id)
    estate.cloud.wait_for_vm(vm_id, VmState.POWEROFF, limit=LIMIT)
    estate.cloud.call("one.vm.diskresize", vm_id, 0, str(size_mib + 128))
    estate.cloud.wait_for_vm(vm_id, VmState.POWEROFF, limit=LIMIT)
    estate.action("undeploy", vm_id)
    estate.cloud.wait_for_vm(vm_id, VmState.UNDEPLOYED, limit=LIMIT)
    estate.cloud.call("one.vm.diskresize", vm_id, 0, str(size_mib + 192))
    estate.cloud.wait_for_vm(vm_id, VmState.UNDEPLOYED, limit=LIMIT)
    estate.action("resume", vm_id)
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    assert estate.wait_for_answer(vm_id)["disk_vda"] == str((size_mib + 192) * MIB)
    _end(estate, vm_id)


def test_a_disk_of_a_running_guest_becomes_an_image_that_boots(estate: Estate) -> None:
    vm_id = estate.instantiate("golden")
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    then = uptime_s(estate.wait_for_answer(vm_id))
    image_id = int(estate.cloud.call("one.vm.disksaveas", vm_id, 0, "golden", "", -1))
    wait_until(lambda: image_ready(estate.cloud, image_id), "the image", LIMIT)
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    wait_until(lambda: uptime_s(estate.status(vm_id)) > then, "the guest going on", LIMIT)
    assert not any(".snap/" in path for paths in estate.disks().values() for path in paths)

    copy = estate.instantiate("copy", extra=f"DISK=[IMAGE_ID={image_id}]")
    estate.cloud.wait_for_running(copy, limit=LIMIT)
    assert estate.wait_for_answer(copy)["hostname"] == "copy"
    estate.action("terminate-hard", copy)
    estate.cloud.wait_for_vm(copy, VmState.DONE, limit=LIMIT)
    _end(estate, vm_id)


def test_a_disk_goes_back_to_its_snapshot_even_on_another_host(estate: Estate) -> None:
    vm_id = estate.instantiate("versioned")
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    assert estate.wait_for_answer(vm_id)["boots"] == "1"
    _off(estate, vm_id)
    estate.cloud.call("one.vm.disksnapshotcreate", vm_id, 0, "once booted")
    estate.cloud.wait_for_vm(vm_id, VmState.POWEROFF, limit=LIMIT)
    assert _boots(estate, vm_id) == "2"

    _off(estate, vm_id)
    host_id, name = estate.other_host(vm_id)
    estate.cloud.call("one.vm.migrate", vm_id, host_id, False, False, -1, 0)
    wait_until(lambda: estate.host_of(vm_id) == name, "the other host", LIMIT)
    estate.cloud.wait_for_vm(vm_id, VmState.POWEROFF, limit=LIMIT)
    estate.cloud.call("one.vm.disksnapshotrevert", vm_id, 0, 0)
    estate.cloud.wait_for_vm(vm_id, VmState.POWEROFF, limit=LIMIT)
    assert _boots(estate, vm_id) == "2"
    _end(estate, vm_id)


def _off(estate: Estate, vm_id: int) -> None:
    estate.action("poweroff", vm_id)
    estate.cloud.wait_for_vm(vm_id, VmState.POWEROFF, limit=LIMIT)


def _boots(estate: Estate, vm_id: int) -> str:
    estate.action("resume", vm_id)
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    return estate.wait_for_answer(vm_id)["boots"]
