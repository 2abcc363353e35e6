"""Six guests on two hosts through every state that a user can bring them to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opennebula_core.model.states import LcmState, VmState
from opennebula_core.testing.kvmlab.lab import wait_until
from tests.end_to_end.estate import Estate, uptime_s

pytestmark = pytest.mark.integration

VMS = 6
LIMIT = timedelta(seconds=180)
FIGURES_LIMIT = timedelta(seconds=60)


def test_six_guests_live_through_everything_and_leave_nothing(estate: Estate) -> None:
    vm_ids = [estate.instantiate(f"guest-{number}") for number in range(VMS)]
    estate.cloud.wait_for_running(*vm_ids, limit=LIMIT)
    for vm_id in vm_ids:
        assert estate.wait_for_answer(vm_id)["hostname"] == f"guest-{vm_id}"
    assert {estate.host_of(vm_id) for vm_id in vm_ids} == {"host1", "host2"}
    _there_are_figures(estate, vm_ids)

    asleep, stored, off, moved, flying, rebooted = vm_ids
    _suspend_and_resume(estate, asleep)
    _stop_and_resume(estate, stored)
    _poweroff_and_resume(estate, off)
    _migrate_cold(estate, moved)
    _migrate_live(estate, flying)
    _reboot(estate, rebooted)

    for vm_id in vm_ids:
        estate.action("terminate", vm_id)
    for vm_id in vm_ids:
        estate.cloud.wait_for_vm(vm_id, VmState.DONE, limit=LIMIT)
    assert estate.nothing_is_left()


def _there_are_figures(estate: Estate, vm_ids: list[int]) -> None:
    def figures() -> bool:
        hosts = [estate.cloud.document("one.host.info", host_id) for host_id in estate.host_ids]
        vms = [estate.cloud.document("one.vm.info", vm_id) for vm_id in vm_ids]
        used = [int(host.findtext("MONITORING/CAPACITY/USED_MEMORY", "0")) for host in hosts]
        memory = [float(vm.findtext("MONITORING/MEMORY", "0")) for vm in vms]
        cpu = [float(vm.findtext("MONITORING/CPU", "0")) for vm in vms]
        return all(used) and all(memory) and any(cpu)

    wait_until(figures, "figures of all hosts and guests", FIGURES_LIMIT)


def _suspend_and_resume(estate: Estate, vm_id: int) -> None:
    before = uptime_s(estate.status(vm_id))
    estate.action("suspend", vm_id)
    estate.cloud.wait_for_vm(vm_id, VmState.SUSPENDED, limit=LIMIT)
    estate.action("resume", vm_id)
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    status = estate.wait_for_answer(vm_id)
    assert status["boots"] == "1"
    assert uptime_s(status) > before


def _stop_and_resume(estate: Estate, vm_id: int) -> None:
    estate.action("stop", vm_id)
    estate.cloud.wait_for_vm(vm_id, VmState.STOPPED, limit=LIMIT)
    assert not any(f"/{vm_id}/" in path for paths in estate.disks().values() for path in paths)
    estate.action("resume", vm_id)
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    assert estate.wait_for_answer(vm_id)["boots"] == "1"


def _poweroff_and_resume(estate: Estate, vm_id: int) -> None:
    estate.action("poweroff", vm_id)
    estate.cloud.wait_for_vm(vm_id, VmState.POWEROFF, limit=LIMIT)
    estate.action("resume", vm_id)
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    assert estate.wait_for_answer(vm_id)["boots"] == "2"


def _migrate_cold(estate: Estate, vm_id: int) -> None:
    host_id, name = estate.other_host(vm_id)
    estate.cloud.call("one.vm.migrate", vm_id, host_id, False, False, -1, 0)
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    assert estate.host_of(vm_id) == name
    assert estate.wait_for_answer(vm_id)["boots"] == "1"
    assert [host for host, names in estate.domains().items() if f"one-{vm_id}" in names] == [name]


def _migrate_live(estate: Estate, vm_id: int) -> None:
    before = uptime_s(estate.status(vm_id))
    host_id, name = estate.other_host(vm_id)
    estate.cloud.call("one.vm.migrate", vm_id, host_id, True, False, -1, 0)
    estate.cloud.wait_for_running(vm_id, limit=LIMIT)
    assert estate.host_of(vm_id) == name
    status = estate.wait_for_answer(vm_id)
    assert status["boots"] == "1"
    assert uptime_s(status) > before
    assert [host for host, names in estate.domains().items() if f"one-{vm_id}" in names] == [name]


def _reboot(estate: Estate, vm_id: int) -> None:
    estate.action("reboot", vm_id)
    wait_until(lambda: estate.wait_for_answer(vm_id)["boots"] == "2", "the guest to have rebooted", LIMIT)
    assert estate.cloud.vm_states(vm_id) == (VmState.ACTIVE, LcmState.RUNNING)
